"""How an engine is reached from where the manager is, and what is refused because it could not be."""

import pytest

from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import ExistingSpec
from switchyard_manager.runtimes.docker.seen import Seen
from switchyard_manager.runtimes.docker.seen import seen as told
from switchyard_manager.runtimes.docker.site import Site

MACHINE, NETWORK = Site(), Site("engines")
ID = "0123456789abcdef" * 4


def seen(
    *networks: str,
    name: str = "switchyard-01234567-one-1",
    ports: dict[int, int] | None = None,
    port: str = "8000",
    address: str = "",
) -> Seen:
    published = {f"{inside}/tcp": [{"HostPort": str(outside)}] for inside, outside in (ports or {}).items()}
    return told(
        {
            "Id": ID,
            "Name": f"/{name}",
            "State": {"Running": True},
            "Config": {"Labels": {"switchyard.port": port} if port else {}},
            "NetworkSettings": {
                "Ports": published,
                "Networks": {name: {"IPAddress": address} for name in networks},
            },
        }
    )


def existing(port: int = 9000) -> ExistingSpec:
    return ExistingSpec(instance="one-1", model="one", container="theirs", port=port)


def test_from_the_machine_an_engine_is_on_loopback() -> None:
    assert MACHINE.endpoint(seen("ours", ports={8000: 32768})) == "http://127.0.0.1:32768"


def test_on_a_network_an_engine_goes_by_its_address_which_needs_no_docker_to_be_known() -> None:
    assert NETWORK.endpoint(seen("engines", address="172.20.0.5")) == "http://172.20.0.5:8000"


def test_one_that_has_no_address_any_more_goes_by_its_name() -> None:
    assert NETWORK.endpoint(seen("engines")) == "http://switchyard-01234567-one-1:8000"


@pytest.mark.parametrize("name", ["Qwen-1", "qwen3.5-1", "a" * 64, "-a"])
def test_a_name_that_a_resolver_might_not_take_gives_way_to_the_id(name: str) -> None:
    assert NETWORK.endpoint(seen("engines", name=name)) == "http://0123456789ab:8000"


@pytest.mark.parametrize(
    ("site", "container"),
    [
        (MACHINE, seen("engines")),
        (NETWORK, seen("ours", ports={8000: 32768})),
        (NETWORK, seen("engines", port="")),
    ],
    ids=["not published", "on another network", "of an older version"],
)
def test_what_a_manager_elsewhere_left_cannot_be_reached(site: Site, container: Seen) -> None:
    assert site.endpoint(container) is None


def test_from_the_machine_the_operators_container_is_where_it_is_published() -> None:
    assert MACHINE.foreign_endpoint(seen("theirs"), existing()) == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("ports", "endpoint"),
    [
        ({8000: 9000}, "http://theirs:8000"),
        ({8000: 9001, 80: 9000}, "http://theirs:80"),
        ({}, "http://theirs:9000"),
        ({8000: 9001}, "http://theirs:9000"),
    ],
)
def test_on_a_network_the_operators_container_answers_at_its_port_inside(
    ports: dict[int, int], endpoint: str
) -> None:
    container = seen("engines", "more", name="theirs", ports=ports, address="172.20.0.5")

    assert NETWORK.foreign_endpoint(container, existing()) == endpoint


def test_the_operators_container_on_another_network_is_refused_and_not_connected() -> None:
    with pytest.raises(EngineFailed) as refused:
        NETWORK.foreign_endpoint(seen("theirs", ports={8000: 9000}), existing())

    assert "docker network connect engines theirs" in (refused.value.failure.advice or "")


@pytest.mark.parametrize(
    ("site", "own"),
    [
        (MACHINE, None),
        (MACHINE, seen("host")),
        (MACHINE, seen()),
        (NETWORK, seen("engines", "front")),
        (NETWORK, seen()),
    ],
    ids=["on the machine", "host's network", "another's network", "on the network", "sharing one"],
)
def test_what_can_be_reached_is_not_refused(site: Site, own: Seen | None) -> None:
    site.refuse_if_out_of_reach("one", own)


@pytest.mark.parametrize(
    ("site", "own", "advice"),
    [
        (NETWORK, None, "SWITCHYARD_CONTAINER"),
        (NETWORK, seen("front", name="manager"), "docker network connect engines manager"),
        (MACHINE, seen("front", "engines"), "(engines, front)"),
    ],
    ids=["in no container", "not on the network", "in a container with no network named"],
)
def test_an_engine_that_could_never_be_asked_is_not_started(site: Site, own: Seen | None, advice: str) -> None:
    with pytest.raises(EngineFailed, match="cannot start one: ") as refused:
        site.refuse_if_out_of_reach("one", own)

    assert advice in (refused.value.failure.advice or "")
