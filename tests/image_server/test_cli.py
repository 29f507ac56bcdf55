"""The command line: read before anything heavy is imported, refused with the marker."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from switchyard_contracts.catalog import ImageServerArgs
from switchyard_image_server.cli import BAD_ARGUMENT_EXIT, read_settings
from switchyard_image_server.settings import (
    BudgetSettings,
    Device,
    MediaSettings,
    ModelSettings,
    NamedLora,
    Placing,
    Precision,
    Quantization,
    ResultSettings,
    Settings,
)


def test_needs_nothing_but_a_model() -> None:
    settings = read_settings(["--model", "Qwen/Qwen-Image-2512"])

    assert settings == Settings(ModelSettings("Qwen/Qwen-Image-2512"), "Qwen/Qwen-Image-2512")
    assert settings.model.folder is None


def test_reads_every_option() -> None:
    settings = read_settings(
        [
            *(
                "--model",
                "/models/x",
                "--served-model-name",
                "x",
                "--host",
                "0.0.0.0",
                "--port",
                "9",
                "--device",
                "cpu",
            ),
            *("--dtype", "bfloat16", "--max-model-len", "4096", "--max-new-tokens", "100", "--steps", "8"),
            *("--guidance", "1.5", "--max-queue", "2", "--log-level", "debug"),
        ]
    )

    model = ModelSettings("/models/x", Device.CPU, Precision.BFLOAT16, 4096, 100, 8, 1.5)
    assert settings == Settings(model, "x", "0.0.0.0", 9, 2, "debug")


def test_reads_every_option_of_memory_media_and_results(tmp_path: Path) -> None:
    settings = read_settings(
        [
            *("--model", "x", "--memory", "encoder-swap", "--quantization", "fp8", "--max-vram-mib", "8000"),
            *("--no-park", "--lora", "fast=org/lightning:0.8", "--lora", "ink=/loras/ink.safetensors"),
            *("--lora-root", str(tmp_path), "--controlnet", "org/control", "--compile"),
            *("--max-concurrency", "3", "--max-image-tokens", "500", "--max-video-frames", "9"),
            *("--video-fps", "0.5", "--no-labels", "--warning-tokens", "10", "--critical-tokens", "20"),
            *("--fetch-media", "--media-root", str(tmp_path), "--max-fetch-mib", "5"),
            *("--keep-results-s", "60", "--keep-results-mib", "7", "--public-url", "http://here"),
        ]
    )

    model = settings.model
    assert (model.placing, model.quantization, model.max_vram_mib) == (
        Placing.ENCODER_SWAP,
        Quantization.FP8,
        8000,
    )
    assert (model.park, model.compile, model.controlnet, model.lora_root) == (
        False,
        True,
        "org/control",
        tmp_path,
    )
    assert model.loras == (NamedLora("fast", "org/lightning", 0.8), NamedLora("ink", "/loras/ink.safetensors"))
    assert (model.concurrency, model.max_image_tokens, model.max_video_frames, model.video_fps) == (
        3,
        500,
        9,
        0.5,
    )
    assert (settings.labels, settings.budget) == (False, BudgetSettings(10, 20))
    assert settings.media == MediaSettings(fetch=True, root=tmp_path, max_fetch_mib=5)
    assert settings.results == ResultSettings(60.0, 7, "http://here")


@pytest.mark.parametrize("said", ["", "name", "=x", "name=", "name=:0.5"])
def test_a_lora_has_a_name_and_a_source(said: str) -> None:
    with pytest.raises(SystemExit):
        read_settings(["--model", "x", "--lora", said])


def test_every_flag_that_a_catalog_may_set_is_one_that_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_settings(["--help"])

    told = capsys.readouterr().out.replace("--no-", "--")
    flags = {"--" + name.replace("_", "-") for name in ImageServerArgs.model_fields}
    assert {flag for flag in flags if f"{flag} " not in told and f"{flag}\n" not in told} == set()


def test_a_folder_is_called_by_its_own_name(tmp_path: Path) -> None:
    assert read_settings(["--model", str(tmp_path)]).served_name == tmp_path.name


@pytest.mark.parametrize("model", ["/gone", "./gone", "~/gone", "gone", "a/b/c"])
def test_what_cannot_be_a_repository_is_a_folder(model: str) -> None:
    assert ModelSettings(model).folder is not None


@pytest.mark.parametrize(
    "arguments",
    [[], ["--model", "x", "--port", "abc"], ["--model", "x", "--turbo"], ["--model", "x", "--max-queue", "0"]],
)
def test_bad_arguments_leave_the_marker(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_settings(arguments)

    marker = capsys.readouterr().err.splitlines()[-1]
    assert ended.value.code == BAD_ARGUMENT_EXIT
    assert json.loads(marker.removeprefix("SWITCHYARD_FAILURE "))["code"] == "bad_engine_argument"


def test_the_key_comes_from_the_environment_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHYARD_IMAGE_SERVER_API_KEY", "sk-secret")

    settings = read_settings(["--model", "x"])

    assert settings.api_key == "sk-secret"
    assert "sk-secret" not in repr(settings)


def test_an_empty_key_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHYARD_IMAGE_SERVER_API_KEY", "")

    assert read_settings(["--model", "x"]).api_key is None


def test_help_imports_neither_torch_nor_a_web_server() -> None:
    program = (
        "import sys, contextlib\n"
        "from switchyard_image_server.cli import read_settings\n"
        "with contextlib.suppress(SystemExit):\n"
        "    read_settings(['--help'])\n"
        "heavy = {'torch', 'transformers', 'diffusers', 'fastapi', 'uvicorn', 'PIL'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    assert "--served-model-name" in ended.stdout
