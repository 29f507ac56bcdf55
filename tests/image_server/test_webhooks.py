"""Whoever waits is called: a few times, through the guard, and with nothing that is secret."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from switchyard_image_server.errors import InvalidValue, MediaNotAllowed
from switchyard_image_server.media.fetch import Door
from switchyard_image_server.webhooks import MAX_URL, Webhooks, post_guarded

URL = "https://user-land.example/done?token=hush"
JOB = {
    "id": "job_1",
    "status": "completed",
    "preview": {"b64_json": "AAAA"},
    "links": {"self": "/v1/jobs/job_1"},
}


class Receiver:
    """Answers with these, one after the other; what is an exception is raised."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.got: list[tuple[str, bytes, Mapping[str, str]]] = []
        self.pauses: list[float] = []

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.got.append((url, body, headers))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def webhooks(self, **more: Any) -> Webhooks:
        return Webhooks(self.post, pauses_s=(1.0, 5.0), pause=self.pause, **more)


async def test_the_job_is_told_with_whole_links_and_without_pictures() -> None:
    receiver = Receiver(204)

    taken = await receiver.webhooks(public_url="https://home.example/").deliver(URL, "job_1", JOB)

    ((url, body, headers),) = receiver.got
    told = json.loads(body)
    assert taken
    assert url == URL
    assert told["links"] == {"self": "https://home.example/v1/jobs/job_1"}
    assert told["preview"] is None
    assert headers == {"content-type": "application/json", "webhook-id": "job_1"}


@pytest.mark.parametrize("first", [500, 503, 429, 408, InvalidValue("cannot fetch: ConnectError")])
async def test_what_may_pass_is_tried_again_after_a_pause(first: int | Exception) -> None:
    receiver = Receiver(first, 200)

    assert await receiver.webhooks().deliver(URL, "job_1", JOB)

    assert receiver.pauses == [0.0, 1.0]


@pytest.mark.parametrize("answer", [400, 404, 410, 301, MediaNotAllowed("cannot fetch: private")])
async def test_what_will_not_pass_is_not_tried_again(answer: int | Exception) -> None:
    receiver = Receiver(answer)

    assert not await receiver.webhooks().deliver(URL, "job_1", JOB)

    assert len(receiver.got) == 1


async def test_it_gives_up_in_the_end_and_logs_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(500, 500, 500)

    with caplog.at_level(logging.WARNING):
        assert not await receiver.webhooks().deliver(URL, "job_1", JOB)

    assert receiver.pauses == [0.0, 1.0, 5.0]
    assert "user-land.example" in caplog.text
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.org/",
        "file:///etc/passwd",
        "example.org/done",
        "http://",
        "http:///done",
        "https://name:word@example.org/",
        "http://[::1",
        "http://example.org:99999/",
        "https://example.org/" + "x" * MAX_URL,
    ],
)
def test_what_is_no_web_address_is_refused_before_the_work(url: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        Receiver().webhooks().check(url)

    assert refused.value.param == "webhook"


def test_without_leave_to_call_out_every_webhook_is_refused() -> None:
    with pytest.raises(MediaNotAllowed, match="--fetch-media"):
        Webhooks(None).check(URL)


def door(answer: Callable[[httpx.Request], httpx.Response], address: str = "93.184.216.34") -> Door:
    async def resolve(_host: str, _port: int) -> list[str]:
        return [address]

    return Door(resolve=resolve, transport=lambda: httpx.MockTransport(answer))


async def test_it_is_posted_through_the_guard() -> None:
    got: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(202, stream=httpx.ByteStream(b""))

    status = await post_guarded(door(answer))(URL, b"{}", {"content-type": "application/json"})

    assert status == 202
    assert (got[0].method, got[0].content, got[0].url.host) == ("POST", b"{}", "93.184.216.34")
    assert got[0].headers["host"] == "user-land.example"
    assert got[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
async def test_an_address_inside_is_never_called(address: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        pytest.fail("it was called")

    with pytest.raises(MediaNotAllowed):
        await post_guarded(door(answer, address))(URL, b"{}", {})


async def test_a_redirect_is_not_followed() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"location": "http://10.0.0.1/"})

    assert await post_guarded(door(answer))(URL, b"{}", {}) == 307
