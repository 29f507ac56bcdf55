"""Paths of a manager in a container, as its Docker Engine must be told them: a table."""

from typing import Any

import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import Bind
from switchyard_manager.runtimes.docker.host_paths import Paths, mounts_subpaths
from switchyard_manager.runtimes.docker.seen import Mounted

KEPT = "/var/lib/docker/volumes/models/_data"
MOUNTED = (
    Mounted("bind", "/models", "/srv/big/models"),
    Mounted("bind", "/models/fast", "/nvme"),
    Mounted("bind", "/", "/somewhere/root"),
    Mounted("volume", "/cache/huggingface", KEPT, "models"),
    Mounted("bind", "/windows", "C:\\Users\\me\\models"),
    Mounted("bind", "/windows2", "C:/Users/me/models"),
    Mounted("bind", "/drive", "D:\\"),
    Mounted("bind", "/share", "\\\\nas\\models"),
    Mounted("bind", "/desktop", "/run/desktop/mnt/host/c/Users/me/models"),
    Mounted("tmpfs", "/scratch", ""),
)


def mount(source: str, *, subpaths: bool = True, mounted: tuple[Mounted, ...] = MOUNTED) -> dict[str, Any]:
    return Paths(mounted, subpaths).mount("one", Bind(source, "/weights"))


@pytest.mark.parametrize(
    ("manager", "machine"),
    [
        ("/models", "/srv/big/models"),
        ("/models/", "/srv/big/models"),
        ("/models/qwen/3", "/srv/big/models/qwen/3"),
        ("/models/with space/ä", "/srv/big/models/with space/ä"),
        ("/models/fast/x.gguf", "/nvme/x.gguf"),
        ("/modelsque", "/somewhere/root/modelsque"),
        ("/windows", "C:\\Users\\me\\models"),
        ("/windows/qwen/3", "C:\\Users\\me\\models\\qwen\\3"),
        ("/windows2/qwen/3", "C:/Users/me/models/qwen/3"),
        ("/drive/qwen", "D:\\qwen"),
        ("/drive", "D:\\"),
        ("/share/qwen", "\\\\nas\\models\\qwen"),
        ("/desktop/qwen", "/run/desktop/mnt/host/c/Users/me/models/qwen"),
    ],
)
def test_a_folder_of_the_machine_is_told_as_the_engine_wrote_it(manager: str, machine: str) -> None:
    assert mount(manager) == {"Type": "bind", "Source": machine, "Target": "/weights", "ReadOnly": True}


def test_the_root_of_the_machine_has_one_slash() -> None:
    assert mount("/host/srv", mounted=(Mounted("bind", "/host", "/"),))["Source"] == "/srv"
    assert mount("/host", mounted=(Mounted("bind", "/host", "/"),))["Source"] == "/"


@pytest.mark.parametrize("subpaths", [True, False])
def test_a_volume_is_mounted_whole_as_that_volume(subpaths: bool) -> None:
    assert mount("/cache/huggingface", subpaths=subpaths) == {
        "Type": "volume",
        "Source": "models",
        "Target": "/weights",
        "ReadOnly": True,
        "VolumeOptions": {"NoCopy": True},
    }


def test_a_part_of_a_volume_is_mounted_as_such_where_the_engine_can() -> None:
    assert mount("/cache/huggingface/hub/x")["VolumeOptions"] == {"NoCopy": True, "Subpath": "hub/x"}


def test_an_older_engine_is_given_the_folder_that_holds_the_volume() -> None:
    said = mount("/cache/huggingface/hub/x", subpaths=False)

    assert (said["Type"], said["Source"]) == ("bind", f"{KEPT}/hub/x")


@pytest.mark.parametrize("subpaths", [True, False])
@pytest.mark.parametrize("source", ["/models/x", "/cache/huggingface"])
def test_whether_it_may_be_written_is_as_was_asked(source: str, subpaths: bool) -> None:
    paths = Paths(MOUNTED, subpaths)

    assert not paths.mount("one", Bind(source, "/out", read_only=False))["ReadOnly"]
    assert paths.mount("one", Bind(source, "/out"))["ReadOnly"]


@pytest.mark.parametrize(
    ("source", "mounted", "why"),
    [
        ("/elsewhere/x", (Mounted("bind", "/models", "/srv"),), "no mount of the container covers it"),
        ("/elsewhere/x", (), "no mount of the container covers it"),
        ("/scratch/x", MOUNTED, "it is in a tmpfs of that container's"),
        ("/pipe/x", (Mounted("npipe", "/pipe", "x"),), "it is in a npipe of that container's"),
    ],
)
def test_what_nothing_covers_is_refused_with_what_to_mount(
    source: str, mounted: tuple[Mounted, ...], why: str
) -> None:
    with pytest.raises(EngineFailed) as refused:
        mount(source, mounted=mounted)

    failure = refused.value.failure
    assert failure.reason is Reason.MODEL_NOT_FOUND
    assert source in failure.message
    assert why in failure.message
    assert f"`- {source}:{source}:ro`" in (failure.advice or "")


@pytest.mark.parametrize(
    ("version", "can"),
    [
        ("26.0.0", True),
        ("28.2.2", True),
        ("25.0.9", False),
        ("20.10.24+dfsg1", False),
        ("dev", False),
        ("", False),
    ],
)
def test_parts_of_volumes_are_mounted_by_engines_from_26_on(version: str, can: bool) -> None:
    assert mounts_subpaths(version) is can
