"""LoRAs from repositories. There is no hub here; its part is played."""

from pathlib import Path

import pytest
from huggingface_hub.errors import OfflineModeIsEnabled

from switchyard_image_server.errors import StartFailure
from switchyard_image_server.images import lora_hub
from switchyard_image_server.images.lora_hub import fetch
from switchyard_image_server.settings import NamedLora

INK = NamedLora("ink", "someone/ink")


class Hub:
    """Holds one repository."""

    def __init__(self, *files: str) -> None:
        self.files = list(files)

    def list_repo_files(self, repo: str) -> list[str]:
        assert repo == "someone/ink"
        return self.files


@pytest.mark.parametrize("inside", ["", "ink.safetensors"])
def test_the_file_is_fetched(inside: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lora_hub, "HfApi", lambda: Hub("README.md", "ink.safetensors"))
    monkeypatch.setattr(lora_hub, "hf_hub_download", lambda repo, name: str(tmp_path / repo / name))

    assert fetch("someone/ink", inside, INK) == tmp_path / "someone/ink/ink.safetensors"


def test_where_the_hub_may_not_be_asked_the_files_that_are_here_tell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Offline:
        def list_repo_files(self, repo: str) -> list[str]:
            raise OfflineModeIsEnabled

    (tmp_path / "ink.safetensors").touch()
    (tmp_path / "README.md").touch()
    monkeypatch.setattr(lora_hub, "HfApi", Offline)
    monkeypatch.setattr(lora_hub, "snapshot_download", lambda repo: str(tmp_path))
    monkeypatch.setattr(lora_hub, "hf_hub_download", lambda repo, name: str(tmp_path / name))

    assert fetch("someone/ink", "", INK) == tmp_path / "ink.safetensors"


def test_of_several_one_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lora_hub, "HfApi", lambda: Hub("4steps.safetensors", "8steps.safetensors"))

    with pytest.raises(StartFailure, match="name one file: it holds 2"):
        fetch("someone/ink", "", INK)


@pytest.mark.parametrize("inside", ["", "ink.safetensors"])
def test_without_a_network_it_says_so(inside: str) -> None:
    with pytest.raises(StartFailure, match="cannot load the LoRA ink from someone/ink: ") as failed:
        fetch("someone/ink", inside, INK)

    assert "mend --lora" in failed.value.message
