"""However `up` ends, nothing of it stays."""

import os
import signal
import socket
from collections.abc import Callable

import httpx
import psutil
import pytest

from tests.e2e.conftest import Yard

GONE_WITHIN_S = 30

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def loaded(new_yard: Callable[[], Yard]) -> Yard:
    """Up, with an engine that serves."""
    yard = new_yard()
    yard.up()
    yard.client().chat.completions.create(model="demo-chat", messages=[{"role": "user", "content": "hi"}])
    assert len(yard.engines()) == 1
    return yard


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_stop_it_stops_everything_in_order(loaded: Yard, how: signal.Signals) -> None:
    assert loaded.end(how) == 0

    assert loaded.processes() == []
    assert "Stopping: proxy, manager, engines." in loaded.said()


def test_killed_it_takes_everything_along(loaded: Yard) -> None:
    loaded.end(signal.SIGKILL)

    loaded.until(lambda: loaded.processes() == [], GONE_WITHIN_S)


def test_whatever_survives_a_massacre_is_gone_after_the_next_up(loaded: Yard) -> None:
    """Even the wardens are killed, and the engine is an orphan that nobody watches."""
    (engine,) = loaded.engines()
    engine.suspend()
    victims = [process for process in loaded.processes() if process.pid != engine.pid]
    assert loaded.job is not None
    os.killpg(loaded.job.pid, signal.SIGKILL)
    for victim in victims:
        victim.kill()
    loaded.job.wait(timeout=GONE_WITHIN_S)

    loaded.up()

    assert not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE
    assert loaded.phases()["demo-chat"] == "unloaded"


@pytest.mark.parametrize("service", ["switchyard-manager", "switchyard-proxy"])
def test_a_service_that_is_killed_ends_the_job_with_an_error(loaded: Yard, service: str) -> None:
    (process,) = loaded.running(f"bin/{service}")

    process.kill()

    assert loaded.job is not None
    assert loaded.job.wait(timeout=60) != 0
    loaded.until(lambda: loaded.processes() == [], GONE_WITHIN_S)
    assert f"the {service.removeprefix('switchyard-')} ended" in loaded.said()


def test_detached_it_runs_on_and_down_ends_it(new_yard: Callable[[], Yard]) -> None:
    yard = new_yard()

    done = yard.setup("up", "--detach")
    assert done.returncode == 0, done.stdout + done.stderr
    assert httpx.get(f"{yard.url}/health").json()["status"] == "ok"
    ended = yard.setup("down")

    assert "Switchyard is down" in ended.stdout
    assert yard.processes() == []
    assert yard.setup("down").stdout.strip().endswith("Switchyard was not running.")


def test_a_taken_port_is_refused_with_the_setting_to_change(new_yard: Callable[[], Yard]) -> None:
    yard = new_yard()

    with socket.create_server(("127.0.0.1", yard.port)):
        done = yard.setup("up")

    assert done.returncode != 0
    assert f"cannot listen on 127.0.0.1:{yard.port}" in done.stdout + done.stderr
    assert "SWITCHYARD_PORT" in done.stdout + done.stderr


def test_a_bad_catalog_is_refused_with_every_fault_before_anything_starts(new_yard: Callable[[], Yard]) -> None:
    yard = new_yard()
    yard.write_catalog({"models": {"a": {"type": "texd"}, "b": {}}})

    done = yard.setup("up")

    assert done.returncode == 1
    assert "models.a.type: cannot" in done.stderr
    assert "models.b" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
