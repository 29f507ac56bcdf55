"""What a model is, from its files."""

import json
from pathlib import Path

import pytest

from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.identity import Identity, Kind, identify, identify_folder


def test_a_model_index_makes_it_an_image_pipeline() -> None:
    told = identify("m", json.dumps({"_class_name": "QwenImagePipeline"}), None)

    assert told == Identity(Kind.IMAGE, "QwenImagePipeline")


def test_a_vision_config_makes_it_a_seeing_model() -> None:
    assert identify("m", None, json.dumps({"vision_config": {}})) == Identity(Kind.VISION)


def test_anything_else_with_a_config_writes_text() -> None:
    assert identify("m", None, json.dumps({"model_type": "qwen3"})) == Identity(Kind.TEXT)


@pytest.mark.parametrize(
    ("pipeline", "config", "code"),
    [
        (None, None, StartCode.MODEL_NOT_FOUND),
        ("{}", None, StartCode.UNSUPPORTED_MODEL),
        ("[]", None, StartCode.UNSUPPORTED_MODEL),
        (None, "not json", StartCode.UNSUPPORTED_MODEL),
    ],
)
def test_refuses_what_is_no_model(pipeline: str | None, config: str | None, code: StartCode) -> None:
    with pytest.raises(StartFailure, match="cannot load m: ") as refused:
        identify("m", pipeline, config)

    assert refused.value.code is code


def test_says_that_a_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StartFailure, match="there is no such folder") as refused:
        identify_folder(tmp_path / "gone")

    assert refused.value.code is StartCode.MODEL_NOT_FOUND


def test_reads_a_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    assert identify_folder(tmp_path) == Identity(Kind.TEXT)
