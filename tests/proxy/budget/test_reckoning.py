"""A request is refused with its numbers when it cannot fit, and never on a guess."""

import base64
import json
from typing import Any

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.serving import Vision
from switchyard_proxy.budget.media import Kind
from switchyard_proxy.budget.reckoning import MOST_LOOKED_AT, Budget, Item, check, count, summary
from switchyard_proxy.errors import Refused
from tests.proxy.budget.files import encoded, mp4, picture, webm

HUB = Vision()


def asking(*urls: str) -> bytes:
    parts: list[dict[str, Any]] = [
        {"video_url": url} if url.startswith("data:video") else {"image_url": {"url": url}} for url in urls
    ]
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": parts}]}).encode()


HD = encoded(picture("PNG", (1920, 1080)))
CLIP = encoded(mp4((1280, 720)), "video/mp4")
WEB_CLIP = encoded(webm((1280, 720)), "video/webm")
ODD = encoded(b"no picture that we know", "image/x-odd")


def test_counts_pictures_and_videos_exactly() -> None:
    budget = count(asking(HD, CLIP), HUB, 100_000)

    assert budget.items == (
        Item(Kind.IMAGE, 1, 1920, 1080, None, 2040, 2040, exact=True),
        Item(Kind.VIDEO, 1, 1280, 720, 20, 8880, 8800, exact=True),
    )
    assert (budget.total, budget.certain, budget.fits) == (10_920, 10_840, True)


def test_counts_what_anthropic_sends() -> None:
    data = base64.b64encode(picture("JPEG", (512, 512))).decode()
    part = {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": data}}
    body = json.dumps({"messages": [{"role": "user", "content": [part]}]}).encode()

    assert count(body, HUB, None).total == 256


def test_refuses_with_the_numbers_of_each_and_of_all() -> None:
    with pytest.raises(Refused) as refused:
        check(asking(HD, CLIP), HUB, 8192, urls_allowed=False)

    assert refused.value.code is ErrorCode.CONTEXT_LENGTH_EXCEEDED
    assert refused.value.body.param == "messages"
    for number in ("8192", "10920", "image 1 (1920x1080) 2040", "video 1 (1280x720, 20 frames) 8880"):
        assert number in str(refused.value)


def test_a_long_list_is_cut_short() -> None:
    with pytest.raises(Refused, match="and 5 more"):
        check(asking(*[HD] * 25), HUB, 8192, urls_allowed=False)


@pytest.mark.parametrize(("context", "fits"), [(8799, False), (8800, True), (None, True)])
def test_refuses_only_for_what_is_certain(context: int | None, fits: bool) -> None:
    """Eighty tokens of time stamps are about right, and nobody is turned away for them."""
    assert count(asking(CLIP), HUB, context).fits is fits


@pytest.mark.parametrize("url", [WEB_CLIP, ODD, encoded(b"odd", "video/x-odd"), "https://x/a.png"])
def test_an_estimate_is_never_a_reason_to_refuse(url: str) -> None:
    budget = check(asking(url), HUB, 1, urls_allowed=True)

    assert [item.exact for item in budget.items] == [False]
    assert budget.certain == 0


def test_a_reckoned_video_is_shown_as_an_estimate() -> None:
    (item,) = count(asking(WEB_CLIP), HUB, None).items

    assert (item.frames, item.tokens, item.certain, item.exact) == (20, 8880, 0, False)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("data:image/png,AAAA", "image 2: it is no base64 data URL"),
        ("data:image/png;base64,????", "image 2: its base64 is broken"),
        ("data:image/png;base64,", "image 2: it is empty"),
        (encoded(picture("PNG", (1000, 4))), "image 2: it is 1000x4, one side over 200 times the other"),
        (encoded(b"GIF89a" + bytes(30)), "image 2: its head says that it is 0x0"),
        ("file:///etc/passwd", "image 2: its address has 'file' for a scheme"),
    ],
)
def test_names_the_medium_that_is_broken(url: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        check(asking(HD, url), HUB, None, urls_allowed=True)

    assert refused.value.code is ErrorCode.INVALID_VALUE


def test_addresses_are_refused_even_if_nobody_counts() -> None:
    with pytest.raises(Refused) as refused:
        check(asking("http://x/"), None, None, urls_allowed=False)

    assert refused.value.code is ErrorCode.MEDIA_URL_NOT_ALLOWED


def test_a_text_costs_nothing_and_is_not_even_read() -> None:
    assert check(b"not even json", HUB, 1, urls_allowed=False) == Budget((), 1)
    assert check(asking(HD), None, 1, urls_allowed=False) == Budget((), 1)


def test_only_so_many_are_looked_at() -> None:
    small = encoded(picture("GIF", (1, 1)))

    budget = count(asking(*[small] * (MOST_LOOKED_AT + 5)), HUB, None)

    assert [item.exact for item in budget.items] == [True] * MOST_LOOKED_AT + [False] * 5
    assert budget.items[-1].index == MOST_LOOKED_AT + 5


@pytest.mark.parametrize(
    ("tokens", "level"),
    [(0, "ok"), (20_000, "ok"), (20_001, "warning"), (50_000, "warning"), (50_001, "critical")],
)
def test_a_summary_says_how_bad_it_is(tokens: int, level: str) -> None:
    item = Item(Kind.IMAGE, 1, 640, 480, None, tokens, tokens, exact=True)

    told = summary(Budget((item,), 40_000))

    assert json.loads(json.dumps(told)) == {
        "level": level,
        "total": tokens,
        "context": 40_000,
        "fits": tokens <= 40_000,
        "exact": True,
        "items": [
            {
                "kind": "image",
                "index": 1,
                "width": 640,
                "height": 480,
                "frames": None,
                "tokens": tokens,
                "exact": True,
            }
        ],
    }
