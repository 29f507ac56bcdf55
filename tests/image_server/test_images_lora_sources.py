"""Where the operator's LoRAs are found, and what is told when they are not."""

import json
from pathlib import Path

import pytest

from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.images.lora_sources import file_of, title_of
from switchyard_image_server.settings import NamedLora


def never(*_: object) -> Path:
    pytest.fail("asked the hub")


def write(path: Path, **metadata: str) -> Path:
    header = json.dumps({"__metadata__": metadata} if metadata else {}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


def test_a_file_is_itself(tmp_path: Path) -> None:
    file = write(tmp_path / "ink.safetensors")

    assert file_of(NamedLora("ink", str(file)), never) == file


def test_a_folder_means_the_one_file_in_it(tmp_path: Path) -> None:
    file = write(tmp_path / "ink.safetensors")
    (tmp_path / "README.md").write_text("about ink")

    assert file_of(NamedLora("ink", str(tmp_path)), never) == file


def test_a_folder_of_several_wants_one_named(tmp_path: Path) -> None:
    write(tmp_path / "a.safetensors")
    write(tmp_path / "b.safetensors")

    with pytest.raises(StartFailure, match=r"holds 2 .*\(a.safetensors, b.safetensors\)") as failed:
        file_of(NamedLora("ink", str(tmp_path)), never)

    assert failed.value.code is StartCode.BAD_ENGINE_ARGUMENT


def test_what_unpickles_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ink.bin").write_bytes(b"")

    with pytest.raises(StartFailure, match="safetensors files only"):
        file_of(NamedLora("ink", str(tmp_path / "ink.bin")), never)


@pytest.mark.parametrize("source", ["/no/such/ink.safetensors", "./ink.safetensors", "ink.safetensors"])
def test_a_path_that_leads_nowhere_asks_no_hub(source: str) -> None:
    with pytest.raises(StartFailure, match="no such file or folder"):
        file_of(NamedLora("ink", source), never)


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("someone/ink", ("someone/ink", "")),
        ("someone/ink/styles/oil.safetensors", ("someone/ink", "styles/oil.safetensors")),
    ],
)
def test_a_repository_is_fetched_by_file(source: str, asked: tuple[str, str], tmp_path: Path) -> None:
    def fetch(repo: str, inside: str, lora: NamedLora) -> Path:
        assert (repo, inside) == asked
        return tmp_path / "ink.safetensors"

    assert file_of(NamedLora("ink", source), fetch) == tmp_path / "ink.safetensors"


def test_what_unpickles_is_not_fetched() -> None:
    with pytest.raises(StartFailure, match="safetensors files only"):
        file_of(NamedLora("ink", "someone/ink/ink.bin"), never)


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    file = write(tmp_path / "a.safetensors", ss_output_name="Qwen-Lightning-4steps", format="pt")

    assert title_of(file) == "Qwen-Lightning-4steps"


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80\x04", b"\xff" * 64, (4).to_bytes(8, "little") + b"[1,2", (4).to_bytes(8, "little") + b"null"],
)
def test_a_file_that_is_none_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)

    assert title_of(tmp_path / "a.safetensors") == ""
    assert title_of(tmp_path / "missing.safetensors") == ""
