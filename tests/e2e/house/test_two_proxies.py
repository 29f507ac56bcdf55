"""Two proxies on one manager: neither takes a model from the other's clients."""

import time
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from tests.e2e.docker.conftest import docker
from tests.e2e.house.conftest import A, B
from tests.e2e.house.hearing import judge, streaming, text
from tests.e2e.house.stack import House, until
from tests.e2e.proxy.hearing import Verdict
from tests.ports import free_port

pytestmark = pytest.mark.timeout(400)

SHORT, LONGER = 200, 300  # rounds


@pytest.fixture
def second(house: House) -> Iterator[House]:
    """The same house by its second door; clients have the same key there."""
    name, port = f"{house.name}-second", free_port()
    hardened = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--init")
    settings = {
        "SWITCHYARD_MANAGER": "http://manager:8079",
        "SWITCHYARD_TOKEN_FILE": "/run/switchyard/token",
        "SWITCHYARD_API_KEY": house.key,
    }
    docker(
        *("create", "--name", name, "--network", f"{house.name}_front", "--publish", f"127.0.0.1:{port}:8080"),
        *(*hardened, "--tmpfs=/tmp:mode=1777", "--tmpfs=/var/lib/switchyard:mode=1777"),
        *("--volume", f"{house.name}_token:/run/switchyard:ro"),
        *(f"--env={key}={value}" for key, value in settings.items()),
        f"{house.name}:proxy",
    )
    try:
        docker("network", "connect", house.name, name)
        docker("start", name)
        until(lambda: docker("inspect", "--format", "{{.State.Health.Status}}", name) == "healthy")
        until(lambda: house.status()["proxies"] == 2)
        yield replace(house, port=port)
    finally:
        docker("rm", "--force", name)
        until(lambda: house.status()["proxies"] == 1)


def test_a_model_stays_until_the_streams_of_both_proxies_have_ended(house: House, second: House) -> None:
    house.asks(A)
    with house.container(A).slowed():
        short, long = streaming(house, A, SHORT).speaks(), streaming(second, A, LONGER).speaks()
        until(lambda: house.model(A)["in_flight"] == 2)
        before = house.seq()

        other = streaming(house, B, 1)
        until(lambda: house.moves(before, A))  # its turn has come, and it waits for both

    assert judge(short.whole(), A, SHORT) is Verdict.WHOLE
    while long.is_running:
        spoke = text(other.heard)
        assert not spoke or not long.is_running
        time.sleep(0.02)  # noqa: TID251 - it watches two streams
    assert judge(long.whole(), A, LONGER) is Verdict.WHOLE
    assert judge(other.whole(), B, 1) is Verdict.WHOLE
    assert house.moves(before, A)[0] == "draining"


def test_of_a_proxy_that_is_killed_nothing_is_counted_and_the_others_streams_are_whole(
    house: House, second: House
) -> None:
    house.asks(A)
    with house.container(A).slowed():
        mine, theirs = streaming(house, A).speaks(), streaming(second, A).speaks()
        until(lambda: house.model(A)["in_flight"] == 2)

        docker("kill", "--signal", "KILL", f"{house.name}-second")
        until(lambda: (house.status()["proxies"], house.model(A)["in_flight"]) == (1, 1))

    assert judge(theirs.whole(), A) is Verdict.BROKEN
    assert judge(mine.whole(), A) is Verdict.WHOLE
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{second.url}/health", trust_env=False)
    until(lambda: house.model(A)["in_flight"] == 0)
    assert judge(streaming(house, B, 1).whole(), B, 1) is Verdict.WHOLE  # nobody holds A any more
