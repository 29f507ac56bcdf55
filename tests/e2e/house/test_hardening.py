"""What engines may do is what docs/compose.md says, and nothing of them listens on the machine."""

import psutil
import pytest

from tests.e2e.compose.conftest import NOBODY, table
from tests.e2e.compose.hardening import HUB, WEIGHTS, told
from tests.e2e.house.conftest import COMPILED, PAINTER, A
from tests.e2e.house.stack import House, until
from tests.e2e.images import ROOT

pytestmark = pytest.mark.timeout(900)

PROMISED = table((ROOT / "docs/compose.md").read_text(), "hardening")["engines"]
OF_THE_IMAGE = ("user", "writable mounts", "read-only mounts")


@pytest.mark.parametrize("model", [A, PAINTER])
def test_an_engine_may_do_what_the_docs_say_and_no_more(house: House, model: str) -> None:
    started(house, model)

    inspected = house.container(model).inspect()

    seen = told(inspected, house.name, str(NOBODY))
    assert seen | dict.fromkeys(OF_THE_IMAGE, "") == PROMISED | dict.fromkeys(OF_THE_IMAGE, "")
    for mount in inspected["Mounts"]:
        if mount["RW"]:
            is_nameless = len(mount.get("Name", "")) == 64
            assert mount["Type"] == "volume"
            assert is_nameless or mount["Name"] == COMPILED
        else:
            assert mount["Destination"].startswith((HUB, WEIGHTS))


def started(house: House, model: str) -> None:
    if house.phase(model) != "ready":
        house.do("load", model)
        until(lambda: house.phase(model) == "ready")


def test_nothing_of_an_engine_listens_on_the_machine(house: House) -> None:
    started(house, A)
    started(house, PAINTER)
    engines = house.containers()
    proxy = house.inspect("proxy")["NetworkSettings"]["Networks"]

    published = published_from()

    assert {network["IPAddress"] for network in proxy.values()} & published  # so it would be seen
    for engine in engines:
        assert engine.address(house.name) not in published
        assert not any(engine.inspect()["NetworkSettings"]["Ports"].values())


def published_from() -> set[str]:
    """The addresses of containers that a port of this machine leads to."""
    found = set()
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.info["name"] == "docker-proxy":
            found.add(words[words.index("-container-ip") + 1])
    return found
