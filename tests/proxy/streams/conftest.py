"""The three stores, each as several processes would have it; Redis is a real server of its own."""

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard_proxy.streams.memory import MemoryStore
from switchyard_proxy.streams.redis_log import RedisStore
from tests.proxy.streams.benches import StoreMaker, sqlite_in

ANSWERS_WITHIN = 2000  # looks, of five milliseconds


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed: CI must test against a real one", pytrace=False)
        pytest.skip("no redis-server here: install Debian's package redis-server")
    folder = tmp_path_factory.mktemp("redis")
    place = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", place, "--save", "", "--appendonly", "no", "--dir", folder]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        _wait_for(place, server)
        yield f"unix://{place}"
    finally:
        server.terminate()
        server.wait(timeout=10)


def _wait_for(place: Path, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(ANSWERS_WITHIN):
        assert server.poll() is None, "redis-server ended at once"
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(0.005)
            try:
                probe.connect(str(place))
                return
            except OSError:
                try:
                    server.wait(timeout=0.005)
                except subprocess.TimeoutExpired:
                    continue
    pytest.fail("redis-server did not answer")


@pytest.fixture
def redis_store(redis_url: str) -> StoreMaker:
    """Stores of several proxies over one Redis, with names that no other test uses."""
    prefix = f"test-{uuid.uuid4().hex}:"
    return lambda process: RedisStore(redis_url, process, prefix)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store_maker(request: pytest.FixtureRequest, tmp_path: Path) -> StoreMaker:
    match request.param:
        case "memory":
            return lambda process: MemoryStore()
        case "sqlite":
            return sqlite_in(tmp_path)
        case _:
            maker: StoreMaker = request.getfixturevalue("redis_store")
            return maker


@pytest.fixture(params=["sqlite", "redis"])
def shared_store_maker(request: pytest.FixtureRequest, tmp_path: Path) -> StoreMaker:
    """Those that several processes can share."""
    if request.param == "sqlite":
        return sqlite_in(tmp_path)
    maker: StoreMaker = request.getfixturevalue("redis_store")
    return maker
