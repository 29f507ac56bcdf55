"""The checker of accessibility for the browser tests: as it was published, with its licence, never in the page.

From the archive of `npm pack axe-core@VERSION`, whose hash is kept; the files are copied without a change.
"""

import hashlib
import json
from pathlib import Path

FOLDER = Path(__file__).parent / "vendor"
(AXE,) = json.loads((FOLDER / "vendor.json").read_text())["libraries"]


def test_every_file_is_as_it_was_published() -> None:
    found = {
        path.relative_to(FOLDER).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FOLDER.rglob("*")
        if path.is_file() and path.name != "vendor.json"
    }

    assert found == AXE["files"]


def test_it_has_its_licence_and_its_version() -> None:
    assert "Mozilla Public License" in (FOLDER / "axe-core/LICENSE.txt").read_text()
    assert f"axe v{AXE['version']}" in (FOLDER / "axe-core/axe.min.js").read_text()[:200]
