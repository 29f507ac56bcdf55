"""Streams logged in Redis: several proxies on several machines share them.

A stream is a hash (what is known of it), a Redis stream whose entries have our numbers, and a hash of who
listens. Everything has a time to live, so that what nobody sweeps away goes by itself. A process is dead when
its key has run out.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, assert_never, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError, ResponseError

from switchyard_proxy.streams.log import Change, Ended, Event, Grown, LogTrouble, Opened, Started, Totals
from switchyard_proxy.streams.stream import Kind, Status, Stream

PREFIX = "switchyard:"
LIFE_S = 7 * 86_400  # of a key that nobody touches
PROCESS_S = 15  # after which a silent process counts as dead
BLOCK_S = 2.0  # how long one reading waits at the server
WAIT_S = 5.0  # for an answer
AT_A_TIME = 64
HEADS_AT_A_TIME = 500
CONNECTIONS = 10_000  # each reader of another proxy's stream holds one while it waits


class RedisStore:
    lasts = True

    def __init__(self, url: str, process: str, prefix: str = PREFIX) -> None:
        self._process = process
        self._prefix = prefix
        self._url = url
        self._redis: Any = Redis.from_url(  # redis-py's own types say of each answer that it may be awaited
            url,
            max_connections=CONNECTIONS,
            socket_connect_timeout=WAIT_S,
            socket_timeout=WAIT_S + BLOCK_S,
            health_check_interval=30,
            driver_info=None,  # it would look its own version up on disk, for each connection
        )

    async def open(self) -> None:
        await self.present()

    async def close(self) -> None:
        try:
            async with self._trouble():
                await self._redis.delete(self._key("process", self._process))
        except LogTrouble:
            pass  # the key runs out by itself
        await self._redis.aclose()

    async def write(self, changes: Sequence[Change]) -> None:
        async with self._trouble(), self._redis.pipeline(transaction=True) as pipe:
            gone = await self._gone({_id(change) for change in changes} - _opened(changes))
            for change in changes:
                if _id(change) not in gone:
                    self._put(pipe, change)
            for answer in await pipe.execute(raise_on_error=False):
                if isinstance(answer, ResponseError) and "equal or smaller" in str(answer):
                    continue  # written before
                if isinstance(answer, Exception):
                    raise answer

    async def _gone(self, ids: set[str]) -> set[str]:
        """Streams that were deleted meanwhile, or given to an heir: no change may touch them again."""
        names = list(ids)
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hget(self._key("stream", name), "process")
            makers = await pipe.execute()
        ours = self._process.encode()
        return {name for name, maker in zip(names, makers, strict=True) if maker != ours}

    def _put(self, pipe: Pipeline, change: Change) -> None:
        key = self._key("stream", _id(change))
        match change:
            case Opened(stream=stream):
                for field, value in (_fields(stream) | {"request": change.request}).items():
                    pipe.hsetnx(key, field, value)
                pipe.zadd(self._key("all"), {stream.id: stream.created_at})
                pipe.zadd(self._key("owner", stream.owner), {stream.id: stream.created_at})
                pipe.expire(self._key("owner", stream.owner), LIFE_S)
                if stream.conversation is not None:
                    talk = self._key("conversation", stream.conversation)
                    pipe.zadd(talk, {stream.id: stream.created_at})
                    pipe.expire(talk, LIFE_S)
            case Started():
                pipe.hset(key, mapping={"code": change.code, "headers": _headers(change.headers)})
            case Grown():
                self._grow(pipe, key, change)
            case Ended():
                pipe.hset(key, mapping={"status": str(change.status), "ended_at": change.at})
            case _:
                assert_never(change)
        pipe.expire(key, LIFE_S)

    def _grow(self, pipe: Pipeline, key: str, change: Grown) -> None:
        events = self._key("events", change.id)
        for number, event in enumerate(change.events, change.first):
            pipe.xadd(events, {b"e": event}, id=f"{number}-0")
        if change.oldest > 1:
            pipe.xtrim(events, minid=f"{change.oldest}-0", approximate=False)
        last = change.first + len(change.events) - 1
        pipe.hset(key, mapping={"first": change.oldest, "last": last, "size": change.size})
        pipe.expire(events, LIFE_S)

    async def head(self, stream_id: str) -> Stream | None:
        async with self._trouble():
            found = await self._heads([stream_id])
        return found[0] if found else None

    async def request(self, stream_id: str) -> bytes:
        async with self._trouble():
            return cast(bytes | None, await self._redis.hget(self._key("stream", stream_id), "request")) or b""

    async def read(self, stream_id: str, after: int, limit: int) -> list[Event]:
        found: list[Event] = []
        size = 0
        async with self._trouble():
            while size < limit:
                start = found[-1][0] if found else after
                entries = await self._redis.xrange(
                    self._key("events", stream_id), min=f"{start + 1}-0", count=AT_A_TIME
                )
                found += [(_number(entry), fields[b"e"]) for entry, fields in entries]
                size += sum(len(fields[b"e"]) for _, fields in entries)
                if len(entries) < AT_A_TIME:
                    break
        return found

    async def newest(self, conversation: str, owner: str | None) -> Stream | None:
        async with self._trouble():
            ids = await self._redis.zrevrange(self._key("conversation", conversation), 0, HEADS_AT_A_TIME)
            heads = await self._heads([name.decode() for name in ids])
        return next((stream for stream in heads if owner in (None, stream.owner)), None)

    async def streams(self, owner: str | None, limit: int) -> list[Stream]:
        index = self._key("all") if owner is None else self._key("owner", owner)
        async with self._trouble():
            ids = await self._redis.zrevrange(index, 0, limit - 1)
            return await self._heads([name.decode() for name in ids])

    async def news(self, stream_id: str, after: int, within_s: float) -> None:
        """A stream that ends without another event is noticed when the wait at the server is over."""
        head = await self.head(stream_id)
        if head is None or head.last > after or head.status.over:
            return
        wait_ms = max(int(min(within_s, BLOCK_S) * 1000), 1)
        async with self._trouble():
            await self._redis.xread({self._key("events", stream_id): f"{after}-0"}, count=1, block=wait_ms)

    async def ask_cancel(self, stream_id: str) -> None:
        async with self._trouble():
            await self._redis.set(self._key("cancel", stream_id), 1, ex=LIFE_S)

    async def cancel_asked(self, ids: Collection[str]) -> set[str]:
        names = list(ids)
        if not names:
            return set()
        async with self._trouble():
            asked = await self._redis.mget([self._key("cancel", name) for name in names])
        return {name for name, flag in zip(names, asked, strict=True) if flag is not None}

    async def hear(self, stream_id: str, listener: str, at: int, until: float) -> None:
        key = self._key("listeners", stream_id)
        async with self._trouble(), self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(key, listener, json.dumps([until, at]))
            pipe.expire(key, LIFE_S)
            await pipe.execute()

    async def leave(self, stream_id: str, listener: str) -> None:
        async with self._trouble():
            await self._redis.hdel(self._key("listeners", stream_id), listener)

    async def heard(self, ids: Collection[str], now: float) -> dict[str, int]:
        names = list(ids)
        async with self._trouble(), self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hvals(self._key("listeners", name))
            found = await pipe.execute()
        leases = {name: map(json.loads, told) for name, told in zip(names, found, strict=True)}
        there = {name: [at for until, at in its if until > now] for name, its in leases.items()}
        return {name: min(places) for name, places in there.items() if places}

    async def delete(self, stream_id: str) -> None:
        head = await self.head(stream_id)
        async with self._trouble(), self._redis.pipeline(transaction=True) as pipe:
            for part in ("stream", "events", "listeners", "cancel"):
                pipe.delete(self._key(part, stream_id))
            pipe.zrem(self._key("all"), stream_id)
            if head is not None:
                pipe.zrem(self._key("owner", head.owner), stream_id)
                if head.conversation is not None:
                    pipe.zrem(self._key("conversation", head.conversation), stream_id)
            await pipe.execute()

    async def expire(self, before: float) -> None:
        async for stream, _ in self._everything():
            if stream.ended_at is not None and stream.ended_at < before:
                await self.delete(stream.id)

    async def shrink(self, size: int) -> None:
        all_there = [found async for found in self._everything()]
        total = sum(its for _, its in all_there)
        over = [found for found in all_there if found[0].status.over]
        for stream, its in sorted(over, key=lambda found: found[0].ended_at or 0):
            if total <= size:
                return
            await self.delete(stream.id)
            total -= its

    async def totals(self) -> Totals:
        all_there = [found async for found in self._everything()]
        over = sum(size for stream, size in all_there if stream.status.over)
        return Totals(len(all_there), sum(size for _, size in all_there), over)

    async def present(self) -> None:
        async with self._trouble():
            await self._redis.set(self._key("process", self._process), int(time.time()), ex=PROCESS_S)

    async def adopt(self) -> list[Stream]:
        running = [stream async for stream, _ in self._everything() if not stream.status.over]
        adopted = []
        async with self._trouble():
            for process in {stream.process for stream in running} - {self._process}:
                if await self._redis.exists(self._key("process", process)):
                    continue
                for stream in (one for one in running if one.process == process):
                    if await self._redis.set(self._key("heir", stream.id), self._process, nx=True, ex=60):
                        await self._redis.hset(self._key("stream", stream.id), "process", self._process)
                        adopted.append(stream)
        return adopted

    async def _everything(self) -> AsyncIterator[tuple[Stream, int]]:
        """Every stream and its size; forgets what ran out by itself."""
        async with self._trouble():
            ids = [name.decode() for name in await self._redis.zrange(self._key("all"), 0, -1)]
        for start in range(0, len(ids), HEADS_AT_A_TIME):
            names = ids[start : start + HEADS_AT_A_TIME]
            async with self._trouble(), self._redis.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.hstrlen(self._key("stream", name), "request")
                requests = await pipe.execute()
                heads = {stream.id: stream for stream in await self._heads(names)}
                if lost := [name for name in names if name not in heads]:
                    await self._redis.zrem(self._key("all"), *lost)
            for name, request in zip(names, requests, strict=True):
                if name in heads:
                    yield heads[name], heads[name].size + request

    async def _heads(self, ids: list[str]) -> list[Stream]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in ids:
                pipe.hmget(self._key("stream", name), _FIELDS)
            rows = await pipe.execute()
        return [_stream(name, row) for name, row in zip(ids, rows, strict=True) if row[0] is not None]

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)

    @asynccontextmanager
    async def _trouble(self) -> AsyncIterator[None]:
        task = asyncio.current_task()
        before = task.cancelling() if task is not None else 0
        try:
            yield
        except (RedisError, OSError, TimeoutError) as error:
            if task is not None and task.cancelling() > before:
                raise asyncio.CancelledError from error
            raise LogTrouble(
                f"cannot use the log of streams in Redis: {type(error).__name__}: {error}; see that it runs and"
                " that --stream-store has its address"
            ) from error
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError  # redis-py now and then swallows one


_FIELDS = (
    "owner",
    "model",
    "kind",
    "created_at",
    "process",
    "conversation",
    "background",
    "status",
    "code",
    "headers",
    "first",
    "last",
    "size",
    "ended_at",
)


def _id(change: Change) -> str:
    return change.stream.id if isinstance(change, Opened) else change.id


def _opened(changes: Sequence[Change]) -> set[str]:
    return {change.stream.id for change in changes if isinstance(change, Opened)}


def _number(entry: bytes) -> int:
    return int(entry.partition(b"-")[0])


def _fields(stream: Stream) -> dict[str, Any]:
    values = {name: getattr(stream, name) for name in _FIELDS} | {
        "kind": str(stream.kind),
        "status": str(stream.status),
        "background": int(stream.background),
        "headers": _headers(stream.headers),
    }
    return {name: value for name, value in values.items() if value is not None}


def _stream(name: str, row: list[bytes | None]) -> Stream:
    text = {field: value.decode() for field, value in zip(_FIELDS, row, strict=True) if value is not None}
    return Stream(
        id=name,
        owner=text["owner"],
        model=text["model"],
        kind=Kind(text["kind"]),
        created_at=float(text["created_at"]),
        process=text["process"],
        conversation=text.get("conversation"),
        background=text["background"] == "1",
        status=Status(text["status"]),
        code=int(text["code"]) if "code" in text else None,
        headers=tuple((k.encode("latin-1"), v.encode("latin-1")) for k, v in json.loads(text["headers"])),
        first=int(text["first"]),
        last=int(text["last"]),
        size=int(text["size"]),
        ended_at=float(text["ended_at"]) if "ended_at" in text else None,
    )


def _headers(headers: tuple[tuple[bytes, bytes], ...]) -> str:
    return json.dumps([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
