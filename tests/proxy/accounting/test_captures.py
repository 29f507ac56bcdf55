"""What is captured is bounded and cheap while a request runs; pictures in it do not crowd out the words."""

import json

import pytest

from switchyard_proxy.accounting.captures import Capture, capturing

JSON = [(b"content-type", b"application/json")]


def test_nothing_is_captured_unless_the_operator_wants_it() -> None:
    assert capturing("off", 64)() is None


def test_each_request_has_a_capture_of_its_own_that_knows_when_to_forget() -> None:
    all_, errors = capturing("all", 64), capturing("errors", 64)

    made = [all_(), all_(), errors()]

    assert [capture and capture.only_errors for capture in made] == [False, False, True]
    assert made[0] is not made[1]


def test_both_bodies_and_their_heads_are_kept() -> None:
    capture = Capture(1_000)

    capture.asked("POST", "/v1/chat/completions?a=1", [*JSON, (b"user-agent", b"x")], b'{"model": "m"}')
    capture.answers(200, JSON)
    capture.feed(b'{"id"')
    capture.feed(b": 1}")

    kept = capture.captured()
    assert (kept.method, kept.target, kept.status) == ("POST", "/v1/chat/completions?a=1", 200)
    assert kept.request_headers == {"content-type": "application/json", "user-agent": "x"}
    assert (kept.request.text, kept.request.size, kept.request.cut) == ('{"model": "m"}', 14, False)
    assert (kept.reply.text, kept.reply.size, kept.reply.cut) == ('{"id": 1}', 9, False)


def test_a_long_body_is_cut_and_its_size_is_told() -> None:
    capture = Capture(100)

    capture.asked("POST", "/", JSON, b"[" + b"1," * 500 + b"1]")
    capture.answers(200, JSON)
    for _ in range(1_000):
        capture.feed(b"[1, 2, 3]")

    kept = capture.captured()
    assert (len(kept.request.text), kept.request.size, kept.request.cut) == (100, 1_003, True)
    assert (len(kept.reply.text), kept.reply.size, kept.reply.cut) == (100, 9_000, True)
    assert len(capture._replied.kept) == 100


@pytest.mark.parametrize("size", [10_000, 3_000_000])
def test_words_behind_a_picture_are_kept_and_the_picture_is_not(size: int) -> None:
    capture = Capture(2_000)
    picture = {"image_url": {"url": "data:image/png;base64," + "A" * size}}
    body = json.dumps({"messages": [picture, picture, {"text": "what is this?"}], "model": "m"}).encode()

    capture.asked("POST", "/", JSON, body)

    kept = capture.captured().request
    assert "what is this?" in kept.text
    assert kept.text.count("data:image/png;base64,[") == 2
    assert "AAAA" not in kept.text
    assert (kept.size, kept.cut) == (len(body), False)
    json.loads(kept.text)


def test_short_pictures_stay_when_a_body_must_be_cut() -> None:
    capture = Capture(50)

    capture.asked("POST", "/", JSON, b'["data:;base64,AAAA", "data:;base64,BBBB"' + b", 1" * 99 + b"]")

    assert capture.captured().request.text == '["data:;base64,AAAA", "data:;base64,BBBB", 1, 1, 1'
