"""How a client hears a stream: a reader by the standard, streams of every look, and beats anywhere between."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_proxy.dialects.voice import Opening, Voice
from switchyard_proxy.sse import Events

LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
WORDS = st.sampled_from(
    [
        "",
        "hi",
        "ünï",
        "漢字🚂",
        '"id":"chatcmpl-e"',
        'data: {"id":"chatcmpl-e",',
        "\n\ndata: x\n\n",
        "\u2028",
        "[DONE]",
    ]
) | st.text(max_size=8)
BROKEN = ErrorBody.of(ErrorCode.STREAM_BROKEN, "cannot finish the reply: the engine went away")


@dataclass(frozen=True)
class Heard:
    """One event."""

    name: str | None
    data: str

    def json(self) -> Any:
        return json.loads(self.data)


def opening(mode: str = "chunk", body: bytes = b"{}", model: str = "chat", id_: str = "req_1") -> Opening:
    return Opening(id_, model, 1_700_000_000, mode, body)


def heard(stream: bytes) -> list[Heard]:
    """Every event, as the standard has it; what no blank line ends is none."""
    found: list[Heard] = []
    name: str | None = None
    data: list[str] = []
    for line in stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                found.append(Heard(name, "\n".join(data)))
            name, data = None, []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        else:
            assert field == "", f"no client asked for the field {field!r}"
    return found


def documents(stream: bytes) -> list[dict[str, Any]]:
    return [event.json() for event in heard(stream) if event.data != "[DONE]"]


@st.composite
def written(draw: st.DrawFn, document: dict[str, Any], name: str | None = None) -> bytes:
    """An event in one of the ways in which an engine may write it."""
    indent = draw(st.sampled_from([None, None, 1]))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
    text = json.dumps(document, indent=indent, separators=separators, ensure_ascii=draw(st.booleans()))
    end, field = draw(LINE_ENDS), draw(st.sampled_from(["data: ", "data:"]))
    lines = [f"event: {name}"] if name and draw(st.booleans()) else []
    lines += [": note"] if draw(st.integers(0, 9)) == 0 else []
    return (end.join([*lines, *(field + line for line in text.split("\n"))]) + end + end).encode()


@st.composite
def cuts(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


@dataclass(frozen=True)
class Performance:
    """What an engine says, as it comes, and before which pieces a beat is due."""

    said: tuple[dict[str, Any], ...]
    pieces: tuple[bytes, ...]
    beats: tuple[bool, ...]


@st.composite
def performances(draw: st.DrawFn, said: list[dict[str, Any]], *, done: bool = True) -> Performance:
    stream = b"".join(draw(written(document, document.get("type"))) for document in said)
    stream += b"data: [DONE]\n\n" if done else b""
    pieces = draw(cuts(stream))
    beats = draw(st.lists(st.booleans(), min_size=len(pieces), max_size=len(pieces)))
    return Performance(tuple(said), tuple(pieces), tuple(beats))


def performed(voice: Voice, performance: Performance, *, ends: bool = True) -> Iterator[bytes]:
    """Everything that the client gets, as the wire would send it; nothing of half an event if it breaks off."""
    events = Events()
    for piece, is_due in zip(performance.pieces, performance.beats, strict=True):
        if is_due:
            yield voice.beat(15)
        if whole := events.whole(piece):
            yield voice.passes(whole)
    if ends and (rest := events.rest()):
        yield voice.passes(rest)
