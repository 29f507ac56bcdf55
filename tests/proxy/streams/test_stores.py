"""Which store the operator chose."""

import os
from pathlib import Path

import pytest

from switchyard_proxy.streams.memory import MemoryStore
from switchyard_proxy.streams.redis_log import RedisStore
from switchyard_proxy.streams.sqlite import SqliteStore
from switchyard_proxy.streams.stores import store_for
from tests.proxy.running import settings_with


@pytest.mark.parametrize(
    ("chosen", "kind"),
    [("memory", MemoryStore), ("sqlite", SqliteStore), ("redis://127.0.0.1:1/0", RedisStore)],
)
async def test_each_choice_has_its_store_and_opens_nothing_yet(chosen: str, kind: type, tmp_path: Path) -> None:
    store = store_for(settings_with(stream_store=chosen, state=tmp_path), "proxy-1")

    assert isinstance(store, kind)
    assert not os.listdir(tmp_path)  # noqa: PTH208  # this blocks nobody
    if isinstance(store, RedisStore):
        await store._redis.aclose()
