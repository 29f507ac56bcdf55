"""A client that believes nothing: it keeps every byte of a reply, and how it ended, to be judged afterwards.

A reply is whole, or says that it is not, or its connection breaks. Whatever else it is, is the one thing that
must never happen: a part that looks like the whole.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

ANSWERS_WITHIN_S = 40.0
ENDINGS = (b"0\r\n\r\n", b"}", b"}\n")  # of a stream, and of a document: only then is a look worth it


class Verdict(StrEnum):
    WHOLE = "whole"
    TOLD = "told"
    BROKEN = "broken"


@dataclass(frozen=True)
class Heard:
    """All that came. `cut` if we hung up ourselves."""

    raw: bytes
    cut: bool = False

    @cached_property
    def parts(self) -> tuple[bytes, bytes]:
        head, _, rest = self.raw.partition(b"\r\n\r\n")
        return head, rest

    @property
    def status(self) -> int | None:
        """None: not even a head came."""
        return int(self.raw[9:12]) if b"\r\n\r\n" in self.raw else None

    def header(self, name: str) -> str | None:
        """None also while the head is not complete."""
        if self.status is None:
            return None
        lines = (line.partition(b":") for line in self.parts[0].split(b"\r\n")[1:])
        return next((v.strip().decode() for n, _, v in lines if n.lower() == name.encode()), None)

    @cached_property
    def body(self) -> tuple[bytes, bool]:
        """And whether it ended properly."""
        rest = self.parts[1]
        length = self.header("content-length")
        if length is not None:
            return rest, len(rest) == int(length)
        out = b""
        while rest:
            line, found, after = rest.partition(b"\r\n")
            if not found:
                break
            size = int(line, 16)
            if size == 0:
                return out, after == b"\r\n"
            out += after[:size]
            rest = after[size + 2 :]
        return out, False

    @property
    def ended_properly(self) -> bool:
        return self.status is not None and self.body[1]

    @cached_property
    def events(self) -> list[tuple[int | None, str]]:
        """The number, where there is one, and the data of each whole event."""
        found = []
        for text in self.body[0].decode().split("\n\n")[:-1]:
            fields = [line.partition(": ") for line in text.split("\n") if not line.startswith(":")]
            said = {name: value for name, _, value in fields}
            if "data" in said:
                found.append((int(said["id"]) if "id" in said else None, said["data"]))
        return found

    @property
    def last_id(self) -> int:
        """0 before the first event."""
        return max((number for number, _ in self.events if number is not None), default=0)


async def ask(port: int, request: bytes, cut_after: int | None = None) -> Heard:
    """Until the reply ends, or its connection does, or so many bytes of it came. Never for ever."""
    raw = b""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return Heard(raw)
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            with contextlib.suppress(ConnectionError):
                writer.write(request)
                while data := await reader.read(65536 if cut_after is None else cut_after - len(raw)):
                    raw += data
                    if len(raw) == cut_after:
                        return Heard(raw, cut=True)
                    if raw.endswith(ENDINGS) and Heard(raw).ended_properly:
                        break
        return Heard(raw)
    finally:
        writer.transport.abort()


def chat(model: str, pieces: int, key: str, *headers: str) -> bytes:
    body = json.dumps({"model": model, "stream": True, "max_tokens": pieces, "messages": []}).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1",
        "host: 127.0.0.1",
        f"authorization: Bearer {key}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *headers,
    )
    return "\r\n".join((*head, "", "")).encode() + body


def read_again(path: str, key: str, *headers: str) -> bytes:
    head = (f"GET {path} HTTP/1.1", "host: 127.0.0.1", f"authorization: Bearer {key}", *headers)
    return "\r\n".join((*head, "", "")).encode()


def numbers(events: list[tuple[int | None, str]]) -> list[int]:
    """Of the pieces; signs of life have none."""
    choices = (json.loads(data).get("choices") for _, data in events if data != "[DONE]")
    said = (some[0]["delta"].get("content") for some in choices if some)
    return [int(text) for text in said if text]


def error_in(heard: Heard) -> Any:
    if heard.status is not None and heard.status >= 400:
        return json.loads(heard.body[0])["error"]
    said = (json.loads(data) for _, data in heard.events if data != "[DONE]")
    return next((one["error"] for one in said if "error" in one), None)


def judge(heard: Heard, pieces: int, first: int = 0) -> Verdict:
    """Fails on a gap, on a repetition, and on a part that looks like the whole. It must begin with `first`."""
    came = numbers(heard.events)
    assert came == list(range(first, first + len(came))), f"not in order from {first}: {came}"
    if not heard.ended_properly:
        return Verdict.BROKEN
    error = error_in(heard)
    if error is not None:
        assert error["message"], error
        return Verdict.TOLD
    ending = heard.events[-1][1] if heard.events else None
    assert heard.status == 200
    assert (first + len(came), ending) == (pieces, "[DONE]"), f"a polite end: {heard.raw[-400:]!r}"
    return Verdict.WHOLE
