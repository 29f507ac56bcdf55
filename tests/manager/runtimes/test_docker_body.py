"""What a container is made of, without an Engine: names, labels, devices."""

from typing import Any

import pytest

from switchyard_manager.runtimes import Bind, ContainerSpec
from switchyard_manager.runtimes.docker.body import Naming, Place, body
from switchyard_manager.runtimes.docker.host_paths import as_it_is

OURS = Naming("0123456789abcdef")


LOOPBACK = Place("net-1", published=True, mounts=())


def made(place: Place = LOOPBACK, **more: Any) -> dict[str, Any]:
    spec = ContainerSpec(instance="one-1", model="one", image="engine:1", port=8000, **more)
    return body(spec, OURS, place)


def test_gpus_are_asked_for_by_their_uuid() -> None:
    host = made(gpus=("GPU-a", "GPU-b"))["HostConfig"]

    assert host["DeviceRequests"] == [
        {"Driver": "nvidia", "DeviceIDs": ["GPU-a", "GPU-b"], "Capabilities": [["gpu"]]}
    ]


def test_a_gpu_of_another_maker_is_given_by_its_device_files() -> None:
    host = made(gpus=("GPU-a", "GPU-b"), devices={"GPU-b": ("/dev/dri/card1",), "GPU-c": ("/dev/dri/card2",)})[
        "HostConfig"
    ]

    assert [request["DeviceIDs"] for request in host["DeviceRequests"]] == [["GPU-a"]]
    assert [device["PathOnHost"] for device in host["Devices"]] == ["/dev/dri/card1"]


def test_nothing_is_asked_for_a_card_that_is_only_reckoned_with() -> None:
    host = made(gpus=("GPU-a",), devices={"GPU-a": ()})["HostConfig"]

    assert "DeviceRequests" not in host
    assert "Devices" not in host


def test_without_gpus_none_is_given() -> None:
    assert "DeviceRequests" not in made()["HostConfig"]


def test_a_secret_is_in_the_environment_and_nowhere_else() -> None:
    said = made(env={"A": "1"}, secrets={"KEY": "hush-hush"}, gpus=("GPU-a",))

    assert said.pop("Env") == ["A=1", "KEY=hush-hush"]
    assert "hush-hush" not in repr(said)


def test_the_images_own_entrypoint_stands_unless_another_is_given() -> None:
    assert "Entrypoint" not in made()
    assert made(entrypoint=("python",))["Entrypoint"] == ["python"]


def test_folders_are_read_only_unless_said_otherwise() -> None:
    mounts = (as_it_is(Bind("/a", "/models")), as_it_is(Bind("/b", "/out", read_only=False)))

    assert [(mount["Source"], mount["ReadOnly"]) for mount in mounts] == [("/a", True), ("/b", False)]
    assert made(Place("net-1", published=True, mounts=mounts))["HostConfig"]["Mounts"] == [*mounts]


def test_its_port_is_published_on_loopback_only() -> None:
    assert made()["HostConfig"]["PortBindings"] == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}


def test_no_check_of_the_images_own_runs_in_it() -> None:
    assert made()["Healthcheck"] == {"Test": ["NONE"]}


def test_in_a_network_of_the_operators_nothing_is_published() -> None:
    said = made(Place("theirs", published=False, mounts=()))

    assert said["HostConfig"]["NetworkMode"] == "theirs"
    assert "PortBindings" not in said["HostConfig"]
    assert said["Labels"]["switchyard.port"] == "8000"


def test_an_engine_over_its_memory_does_not_swap() -> None:
    host = made(memory_mib=1)["HostConfig"]

    assert host["Memory"] == host["MemorySwap"] == 1024 * 1024


@pytest.mark.parametrize("instance", ["org/name:tag-1", "org_name_tag-1", "a b", "ä"])
def test_any_instance_has_a_name_that_docker_takes(instance: str) -> None:
    name = OURS.container(instance)

    assert name.startswith("switchyard-01234567-")
    assert all(letter.isalnum() or letter in "_.-" for letter in name)
    assert name.isascii()


def test_no_two_instances_share_a_name_and_no_two_installations() -> None:
    names = {OURS.container(instance) for instance in ("a/b", "a:b", "a-b", "a b")}

    assert len(names) == 4
    assert Naming("another").container("a-b") not in names


def test_what_carries_another_installation_is_not_ours() -> None:
    assert OURS.owns({"switchyard.installation": "0123456789abcdef"})
    assert not OURS.owns({"switchyard.installation": "0123456789abcdeX"})
    assert not OURS.owns({})
