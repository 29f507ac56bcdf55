"""A client on a raw connection: every byte of a streamed reply as it comes, and how it ended."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

from tests.e2e.house.stack import QUESTION, WITHIN_S, House, until
from tests.e2e.proxy.hearing import ENDINGS, Heard, Verdict, error_in
from tests.vllm_on_cpu.script import replies

LONG = 250  # rounds: some seconds, or a minute of an engine that is slowed


class Stream:
    """It reads on in a thread, beside the test, until the reply ends, or its connection does."""

    def __init__(self, port: int, request: bytes, line: socket.socket | None = None) -> None:
        """`line`: a connection that is there already."""
        self._raw = b""
        self._line = line or socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S)
        self._line.sendall(request)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with self._line, contextlib.suppress(OSError):
            while data := self._line.recv(65536):
                self._raw += data
                if self._raw.endswith(ENDINGS) and Heard(self._raw).ended_properly:
                    return

    def hangs_up(self) -> Heard:
        """In the middle of it; and what had come."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        return self.whole()

    @property
    def heard(self) -> Heard:
        """Until now."""
        return Heard(self._raw)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def speaks(self) -> "Stream":
        """Once the first words have come."""
        until(lambda: text(self.heard) or not self.is_running)
        assert self.is_running, f"the stream ended at once: {self._raw[-600:]!r}"
        return self

    def whole(self) -> Heard:
        """Once it has ended, in whatever way."""
        self._thread.join(WITHIN_S)
        assert not self.is_running, f"the stream has no end: {self._raw[-600:]!r}"
        return self.heard


def streaming(house: House, model: str, rounds: int = LONG, *headers: str, **more: Any) -> Stream:
    """It says all it knows, so many times."""
    tokens = rounds * (len(replies(model)["text"].split()) + 1)  # a word is a token here, and so is the end
    asked = {"model": model, "messages": QUESTION, "stream": True, "max_tokens": tokens, "ignore_eos": True}
    return Stream(house.port, request("/v1/chat/completions", asked | more, house.key, *headers))


def request(path: str, asked: dict[str, Any], key: str, *headers: str) -> bytes:
    body = json.dumps(asked).encode()
    head = (
        f"POST {path} HTTP/1.1",
        "host: 127.0.0.1",
        f"authorization: Bearer {key}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *headers,
    )
    return "\r\n".join((*head, "", "")).encode() + body


def deltas(heard: Heard) -> Iterator[dict[str, Any]]:
    for _, data in heard.events:
        if data != "[DONE]":
            yield from json.loads(data).get("choices", ())


def text(heard: Heard) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in deltas(heard))


def finish(heard: Heard) -> str | None:
    return next((choice["finish_reason"] for choice in deltas(heard) if choice["finish_reason"]), None)


def judge(heard: Heard, model: str, rounds: int = LONG) -> Verdict:
    """Fails on any letter that its model did not say there, and on a part that looks like the whole."""
    whole, said = replies(model)["text"] * rounds, text(heard)
    assert whole.startswith(said), f"not its words: {said[-200:]}"
    if not heard.ended_properly:
        return Verdict.BROKEN
    if error_in(heard) is not None:
        assert (finish(heard), heard.events[-1:]) != ("length", [(None, "[DONE]")])
        return Verdict.TOLD
    assert (heard.status, finish(heard), heard.events[-1][1]) == (200, "length", "[DONE]")
    assert said == whole, f"a polite end after {len(said)} of {len(whole)} letters"
    return Verdict.WHOLE
