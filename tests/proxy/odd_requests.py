"""Requests as no client should send them, and some that are in order: strategies for fuzzing."""

import json
from typing import Any

from hypothesis import strategies as st

from switchyard_proxy.routes import OLLAMA, ROUTES

ROWS = sorted({route.path: route.methods for route in (*ROUTES, *OLLAMA)}.items())
METHODS = [
    "GET",
    "POST",
    "HEAD",
    "DELETE",
    "PUT",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "get",
    "BREW",
]
TEXT = st.text(max_size=20)
MODELS = [
    "chat",
    "eyes",
    "paint",
    "gpt-4o",
    "org/chat",
    "auto",
    "nobody",
    "chat:x",
    "",
    "x" * 3000,
    "\ud800",
    "\0",
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.sampled_from(
        [2**63, 2**64, -(2**63) - 1, 10**400, 1e308, "\ud83d", "\udc00x", "\r\n\r\n", "data: x\n\n"]
    )
)
odd = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
PICTURES = [
    "http://127.0.0.1:1/x",
    "data:image/png;base64,",
    "data:,",
    "file:///etc/passwd",
    "x" * 100,
    "data:\0",
]
parts = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "video_url", "image", "input_image"])},
    optional={
        "text": TEXT,
        "image_url": st.fixed_dictionaries({"url": st.sampled_from(PICTURES) | odd}) | odd,
        "video_url": st.fixed_dictionaries({"url": st.sampled_from(PICTURES) | odd}) | odd,
        "source": odd,
    },
)
messages = st.lists(
    st.fixed_dictionaries({"role": odd | st.just("user"), "content": odd | st.lists(parts, max_size=3)}),
    max_size=3,
)
usual_bodies = st.fixed_dictionaries(
    {"model": st.sampled_from(["chat", "chat", "eyes", "paint", "auto"])},
    optional={
        "stream": st.booleans(),
        "stream_options": st.fixed_dictionaries({"include_usage": st.booleans()}) | st.none(),
        "messages": messages,
        "input": messages | TEXT,
        "prompt": TEXT,
        "background": st.booleans(),
        "store": st.booleans(),
        "options": odd,
        "tools": odd,
        "metadata": odd,
    },
)
odd_bodies = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(MODELS) | odd,
        "stream": st.booleans() | odd,
        "stream_options": st.fixed_dictionaries({"include_usage": st.booleans() | odd}) | odd,
        "messages": messages | odd,
        "background": st.booleans() | odd,
        "store": st.booleans() | odd,
        "input": odd | messages,
        "prompt": odd | TEXT,
        "previous_response_id": odd,
        "keep_alive": odd | st.sampled_from([0, "0s", -1]),
        "options": odd,
        "tools": odd,
        "think": odd,
        "format": odd,
        "name": odd,
        "role": odd,
        "limits": odd,
    },
)


def _json(value: Any) -> bytes:
    """Lone surrogates stay what they are: escapes."""
    return json.dumps(value).encode()


RAW = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"chat"',
    b"[" * 100_000,
    b'{"model":"chat","x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    b'{"model":"chat","messages":' + b'{"content":' * 5_000 + b"[]" + b"}" * 5_000 + b"}",
    b'{"model":"chat","model":"nobody","model":"gpt-4o"}',
    b'{"stream":true,"stream":false,"model":"chat","stream_options":null,"stream_options":{}}',
    b'{"model":"gpt-4o","n":' + b"9" * 5_000 + b"}",
    b'{"model":"gpt-4o","n":1e999,"m":-0,"stream":true}',
    b'{"model":"\\ud800","messages":[]}',
    b'{"mod\\u0065l":"gpt-4o","stream":true}',
    b'\xef\xbb\xbf{"model":"chat"}',
    b'{"model":"chat","x":"\xff\xfe"}',
    b'{"model":"chat"} trailing',
    '{"model":"chat"}'.encode("utf-16"),
    b'{"model":"chat","messages":[{"content":"' + b"\\u0041" * 2_000 + b'"}]}',
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\npaint\r\n--b--\r\n',
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nchat',
    b'--b\r\nContent-Disposition: form-data; name="model"; filename="x"\r\n\r\npaint\r\n--b--\r\n',
    b"--b\r\n\r\n\r\n--b--",
    b"--b" * 1_000,
]
payloads = usual_bodies.map(_json) | odd_bodies.map(_json) | st.sampled_from(RAW) | st.binary(max_size=60)

HEADERS = [
    "content-type: application/json",
    "content-type: multipart/form-data; boundary=b",
    "content-type: multipart/form-data",
    "content-type: multipart/form-data; boundary=" + "b" * 300,
    'content-type: multipart/form-data; boundary="\\"',
    "content-type: text/event-stream",
    "content-encoding: gzip",
    "content-encoding: br",
    "content-encoding: deflate, gzip",
    "accept: text/event-stream",
    "x-request-id: a\tb",
    "x-request-id: " + "i" * 200,
    "x-request-id: ok-1",
    "x-stainless-retry-count: " + "9" * 5_000,
    "x-stainless-retry-count: 1",
    "x-stainless-timeout: 0",
    "x-stainless-timeout: -1",
    "x-stainless-timeout: 1e5",
    "x-switchyard-timeout-s: 0.1",
    "x-resumable: 1",
    "x-resumable: maybe",
    "x-conversation-id: c",
    "x-conversation-id: \xe9\xff",
    "last-event-id: -1",
    "last-event-id: " + "9" * 400,
    "connection: close",
    "connection: x-odd, keep-alive, content-length",
    "connection: upgrade",
    "upgrade: websocket",
    "upgrade: h2c",
    "expect: 100-continue",
    "expect: everything",
    "te: trailers",
    "host:",
    "host: a b",
    "origin: null",
    "origin: http://evil.example",
    "authorization: Bearer",
    "authorization: Basic \xff",
    "x-api-key: \xe9",
    "access-control-request-headers: " + "x" * 2_000,
    "range: bytes=0-0",
    "x-odd: " + "o" * 20_000,
    "cookie: a=b; c",
]
BROKEN = [": no name", "no colon", " folded: line", "host: a", "x: \0", "x : y", "transfer-encoding: gzip"]
below = st.sampled_from(
    [
        "",
        "chat",
        "chat/metrics",
        "chat/tokenize",
        "org/chat/v1/chat/completions",
        "paint/v1/jobs/a/cancel",
        "nobody/x",
        "%2e%2e/%2e%2e",
        "..;/",
        "%00",
        "%0d%0aset-cookie:x",
        "%ff%fe",
        "%",
        "%zz",
        "a" * 5_000,
        "resp_x",
        "resp_x/cancel",
        "resp_x/input_items",
        "me",
        "%E2%80%A8",
        "//",
        "\xe9",
        "live",
    ]
)
queries = st.sampled_from(
    [
        "",
        "?",
        "?beta=true",
        "?stream=true&starting_after=1",
        "?stream=true&starting_after=-1",
        "?from=" + "9" * 400,
        "?starting_after=x&from=%zz",
        "?limit=-1&before=" + "1" * 30,
        "?limit=NaN&model=%00&since=1e999",
        "?a=%ff&a&=&&",
        "?conv_id=%00",
        "#x",
    ]
)


ODD_TARGETS = ["*", "http://x/v1/models", "//v1//models", "/" + "p" * 70_000, "/\x01", "x:1", "/ /"]


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, str]:
    """A method and a target: mostly of a row of the table."""
    path, methods = draw(st.sampled_from(ROWS))
    if draw(st.integers(0, 19)) == 0:
        return draw(st.sampled_from(METHODS)), draw(st.sampled_from(ODD_TARGETS))
    if path.startswith("/v1/") and draw(st.booleans()):
        path = path.removeprefix("/v1")
    if path.endswith("/") or draw(st.integers(0, 9)) == 0:
        path += draw(below)
    method = draw(st.sampled_from(METHODS if draw(st.integers(0, 9)) == 0 else list(methods)))
    return method, path + draw(queries)


@st.composite
def framed(draw: st.DrawFn, payload: bytes) -> tuple[bytes, bytes, bool]:
    """A framing header, the bytes of the body, and whether both agree."""
    match draw(st.integers(0, 19)):
        case 0:
            cut = draw(st.integers(1, 30))
            chunks = [payload[at : at + cut] for at in range(0, min(len(payload), 300), cut)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
            return b"transfer-encoding: chunked\r\n", body, True
        case 1:
            bad = [
                b"zz\r\n",
                b"-1\r\nx\r\n",
                b"ffffffffffffffff\r\nx",
                b"5\r\nab\r\n0\r\n\r\n",
                b"1;" + b"e" * 70_000,
            ]
            return b"transfer-encoding: chunked\r\n", draw(st.sampled_from(bad)), False
        case 2:
            odd_lengths = [b"-1", b"1e3", b"9" * 30, b"5, 6", b"0x10", b"", b"%d" % (len(payload) + 7)]
            return b"content-length: %b\r\n" % draw(st.sampled_from(odd_lengths)), payload, False
        case 3:
            both = b"content-length: %d\r\ntransfer-encoding: chunked\r\n" % len(payload)
            return both, payload, False
        case _:
            return b"content-length: %d\r\n" % len(payload), payload, True


class Said:
    """Bytes of a client, and whether an answer is owed: all is there, and is HTTP."""

    def __init__(self, data: bytes, *, owed: bool) -> None:
        self.data = data
        self.owed = owed

    def __repr__(self) -> str:
        return f"Said({self.data[:1500]!r}, {len(self.data)} bytes, owed={self.owed})"


@st.composite
def requests(draw: st.DrawFn) -> Said:
    method, target = draw(lines())
    headers = draw(st.lists(st.sampled_from(HEADERS), max_size=4))
    if draw(st.integers(0, 19)) == 0:
        headers.append(draw(st.sampled_from(BROKEN)))
    frame, body, honest = draw(framed(draw(payloads)))
    version = draw(st.sampled_from(["1.1"] * 12 + ["1.0", "2.0", "9.9"]))
    said = [f"{method} {target} HTTP/{version}", *(["host: x"] if draw(st.integers(0, 9)) else []), *headers]
    head = "\r\n".join(said).encode("latin-1") + b"\r\n" + frame + b"\r\n"
    return Said(head + body, owed=honest)


garbage = st.binary(max_size=200) | st.sampled_from(
    [
        b"\0" * 100,
        b"\r\n" * 50,
        b"GET",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]
)
conversations = st.lists(requests(), min_size=1, max_size=3) | garbage.map(
    lambda said: [Said(said, owed=False)]
)
