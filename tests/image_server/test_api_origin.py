"""Addresses in answers: they must work where the client is."""

import pytest
from starlette.requests import Request

from switchyard_image_server.api.origin import origin_of


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": "http", "scheme": "http", "path": "/", "headers": raw, "server": ("127.0.0.1", 8000)}
    return Request(scope)


def test_the_operators_word_goes_first() -> None:
    asked = request(host="a:1", x_forwarded_host="b")

    assert origin_of(asked, "https://pictures.example/x/") == "https://pictures.example/x"


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"host": "box.lan:8000"}, "http://box.lan:8000"),
        ({"host": "[::1]:8000"}, "http://[::1]:8000"),
        (
            {"host": "in", "x_forwarded_host": "out.example", "x_forwarded_proto": "https"},
            "https://out.example",
        ),
        ({"host": "in", "x_forwarded_host": "a.example, b.example"}, "http://a.example"),
        ({"host": "a", "x_forwarded_prefix": "/images/"}, "http://a/images"),
        ({"host": "a", "x_forwarded_prefix": "/upstream/org%2Fpaint"}, "http://a/upstream/org%2Fpaint"),
        ({"host": "a", "x_forwarded_prefix": "//evil.example/x"}, "http://a"),
        ({"host": "a", "x_forwarded_proto": "javascript"}, "http://a"),
        ({"host": "a", "x_forwarded_host": "b/c?d"}, "http://a"),
        ({"host": 'a"><b'}, "http://127.0.0.1:8000"),
        ({}, "http://127.0.0.1:8000"),
    ],
)
def test_else_it_is_what_the_client_has_called(headers: dict[str, str], origin: str) -> None:
    assert origin_of(request(**headers), None) == origin
