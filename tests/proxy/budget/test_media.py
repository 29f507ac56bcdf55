"""Media are found wherever messages may have them, and nowhere else; addresses pass only where allowed."""

import json
from typing import Any

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.budget.media import Kind, Medium, looks_like_media, media_in, refuse_addresses
from switchyard_proxy.errors import Refused

URL = "data:image/png;base64,AAAA"


def user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


ONE = [
    (user({"type": "image_url", "image_url": {"url": URL}}), Kind.IMAGE),
    (user({"type": "image_url", "image_url": URL}), Kind.IMAGE),
    (user({"image_url": {"url": URL, "detail": "low"}}), Kind.IMAGE),
    (user({"type": "video_url", "video_url": {"url": URL}}), Kind.VIDEO),
    (user({"type": "video_url", "video_url": [URL]}), Kind.VIDEO),
    (user({"type": "audio_url", "audio_url": {"url": URL}}), Kind.AUDIO),
    (user("plain", {"type": "image_url", "image_url": URL}, 7, None), Kind.IMAGE),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": URL}]}]}, Kind.IMAGE),
    ({"input": [{"type": "input_image", "image_url": URL}]}, Kind.IMAGE),
    ({"input": [{"content": [{"type": "input_video", "video_url": URL}]}]}, Kind.VIDEO),
    ({"input": [{"content": [{"type": "input_file", "file_url": URL}]}]}, Kind.FILE),
    (
        {"input": [{"type": "function_call_output", "output": [{"type": "input_image", "image_url": URL}]}]},
        Kind.IMAGE,
    ),
    (
        {
            "input": [
                {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": URL}}
            ]
        },
        Kind.IMAGE,
    ),
    (user({"type": "image", "source": {"type": "url", "url": URL}}), Kind.IMAGE),
    (user({"type": "document", "source": {"type": "url", "url": URL}}), Kind.FILE),
    (
        user({"type": "tool_result", "content": [{"type": "image", "source": {"type": "url", "url": URL}}]}),
        Kind.IMAGE,
    ),
    (
        user(
            {
                "type": "document",
                "source": {
                    "type": "content",
                    "content": [{"type": "image", "source": {"type": "url", "url": URL}}],
                },
            }
        ),
        Kind.IMAGE,
    ),
    ({"documents": {"content": [{"type": "image_url", "image_url": {"url": URL}}]}}, Kind.IMAGE),
]


@pytest.mark.parametrize(("body", "kind"), ONE)
def test_finds_a_medium_in_every_dialect(body: dict[str, Any], kind: Kind) -> None:
    written = json.dumps(body).encode()

    assert media_in(written) == (Medium(kind, 1, URL),)
    assert looks_like_media(written)


def test_finds_what_anthropic_sends_without_an_address() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    (medium,) = media_in(json.dumps(user({"type": "image", "source": source})).encode())

    assert medium == Medium(Kind.IMAGE, 1, "AAAA", bare=True)
    assert (medium.inline, medium.remote) == (True, False)
    assert medium.content().at(0, 9) == b"\0\0\0"


def test_finds_a_medium_whose_key_is_spelled_in_escapes() -> None:
    body = b'{"messages":[{"content":[{"im\\u0061ge\\u005furl":"http://x/"}]}]}'

    assert looks_like_media(body)
    assert media_in(body) == (Medium(Kind.IMAGE, 1, "http://x/"),)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": 'an image_url, and a "source" of light'}]},
        {"messages": "text"},
        {"messages": None, "input": "text"},
        {"tools": [{"parameters": {"properties": {"image_url": {"url": URL}}}}], "messages": []},
        user(
            {
                "type": "tool_use",
                "input": {"image_url": "http://x/", "source": {"type": "url", "url": "http://x"}},
            }
        ),
        user(
            {"type": "tool_use", "input": {}}, {"type": "search_result", "source": "http://x/", "content": []}
        ),
        user({"type": "text", "text": "x", "source": {"type": "url", "url": "http://x/"}}),
        user({"type": "input_image", "file_id": "f", "image_url": None}),
        user({"type": "document", "source": {"type": "text", "data": "text"}}),
        user({"type": "image_url", "image_url": {"url": ""}}),
        {"metadata": {"image_url": "http://x/"}},
    ],
)
def test_passes_over_what_is_no_medium(body: dict[str, Any]) -> None:
    assert media_in(json.dumps(body).encode()) == ()


@pytest.mark.parametrize(
    "body", [{"messages": [{"role": "user", "content": "an image_url, please: \u00e9"}]}, {"model": "m"}, {}]
)
def test_a_text_is_not_looked_into(body: dict[str, Any]) -> None:
    assert not looks_like_media(json.dumps(body).encode())


def test_media_are_numbered_by_kind_in_the_order_of_the_body() -> None:
    image, video = {"image_url": "data:1"}, {"video_url": "data:2"}
    body = {"messages": [{"content": [image, video]}, {"content": [{"content": [image]}, image]}]}

    assert [medium.label for medium in media_in(json.dumps(body).encode())] == [
        "image 1",
        "video 1",
        "image 2",
        "image 3",
    ]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"messages":"\xff"}', b'{"messages":' + b"[" * 9999])
def test_refuses_what_is_no_json(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        media_in(body)

    assert refused.value.code is ErrorCode.INVALID_JSON


@pytest.mark.parametrize("url", ["http://x/a.png", "HTTPS://x/a.png", " \t\nhttp://x/"])
def test_an_address_on_the_network_needs_the_operators_word(url: str) -> None:
    media = (Medium(Kind.IMAGE, 1, URL), Medium(Kind.IMAGE, 2, url))

    with pytest.raises(Refused, match="image 2") as refused:
        refuse_addresses(media, allowed=False)

    assert refused.value.code is ErrorCode.MEDIA_URL_NOT_ALLOWED


def test_an_allowed_address_passes_and_a_refused_one_says_which_code() -> None:
    medium = Medium(Kind.VIDEO, 3, "https://x/a.mp4")

    refuse_addresses((medium,), allowed=True)
    with pytest.raises(Refused, match="video 3") as refused:
        refuse_addresses((medium,), allowed=False)

    assert refused.value.code is ErrorCode.MEDIA_URL_NOT_ALLOWED
    assert refused.value.body.param == "messages"


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://x/", "/etc/passwd", "AAAA", "javascript:x", "\x00data:x", "\x00http://x/"],
)
@pytest.mark.parametrize("allowed", [True, False])
def test_any_other_address_is_refused_whatever_is_allowed(url: str, *, allowed: bool) -> None:
    with pytest.raises(Refused, match="image 1") as refused:
        refuse_addresses((Medium(Kind.IMAGE, 1, url),), allowed=allowed)

    assert refused.value.code is ErrorCode.INVALID_VALUE


@pytest.mark.parametrize("field", ["images", "mask"])
def test_the_pictures_of_an_edit_are_media_too(field: str) -> None:
    picture = {"image_url": "http://192.0.2.1/x.png"}
    body = json.dumps(
        {"model": "m", "prompt": "x", field: [picture] if field == "images" else picture}
    ).encode()

    assert looks_like_media(body)
    with pytest.raises(Refused) as refused:
        refuse_addresses(media_in(body), allowed=False)

    assert refused.value.code is ErrorCode.MEDIA_URL_NOT_ALLOWED
