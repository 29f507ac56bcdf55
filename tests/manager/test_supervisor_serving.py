"""A vision model's files are read off the event loop, where the supervisor finds them."""

import json
from pathlib import Path
from typing import Any

from switchyard_contracts.serving import Vision
from tests.manager.conftest import catalog_of
from tests.manager.yard import open_yards

FRAMES: dict[str, Any] = {"fps": 30.0, "max_frames": 32}  # vLLM takes of any video


async def test_the_eyes_of_a_model_are_known_soon_after_the_catalog(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "preprocessor_config.json").write_text(json.dumps({"patch_size": 8}))
    catalog = catalog_of(m={"type": "vision", "path": str(weights), "vision": {"merge": 4}})

    async with open_yards(tmp_path) as open_yard:
        yard = await open_yard(catalog)
        await yard.until(lambda: yard.status("m").serving.vision == Vision(patch=8, merge=4, **FRAMES))


async def test_files_that_cannot_be_looked_for_leave_the_model_as_its_family_is(tmp_path: Path) -> None:
    catalog = catalog_of(m={"type": "vision", "path": "weights\ud7ff" * 5_000})

    async with open_yards(tmp_path) as open_yard:
        yard = await open_yard(catalog)
        await yard.settle()

        assert yard.status("m").serving.vision == Vision(**FRAMES)
