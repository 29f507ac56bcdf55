"""Streams that can be read again, when the proxy that writes them down goes away. Its log is in its volume."""

import pytest

from tests.e2e.docker.conftest import docker
from tests.e2e.house.conftest import A
from tests.e2e.house.hearing import Stream, judge, streaming, text
from tests.e2e.house.stack import House, until
from tests.e2e.proxy.hearing import Heard, Verdict, error_in, read_again
from tests.vllm_on_cpu.script import replies

pytestmark = pytest.mark.timeout(400)

RESUMABLE = "X-Resumable: 1"
ROUNDS = 200  # some seconds


def read(house: House, stream: str | None, *headers: str) -> Heard:
    return Stream(house.port, read_again(f"/v1/streams/{stream}", house.key, *headers)).whole()


def test_what_a_killed_proxy_had_said_is_there_again_to_the_byte_and_ends_honestly(house: House) -> None:
    house.asks(A)
    stream = streaming(house, A, 800, RESUMABLE).speaks()
    until(lambda: stream.heard.last_id > 300)

    house.kill("proxy")
    cut = stream.whole()
    until(lambda: house.is_healthy("proxy"))
    rest = read(house, cut.header("x-stream-id"), f"Last-Event-ID: {cut.last_id}")
    again = read(house, cut.header("x-stream-id"))

    assert judge(cut, A) is Verdict.BROKEN
    assert again.events == cut.events + rest.events
    assert [number for number, _ in again.events] == list(range(1, again.last_id + 1))
    assert judge(again, A) is Verdict.TOLD
    assert error_in(again)["code"] == "stream_broken"
    assert house.asks(A) == replies(A)["text"]


def test_a_stream_whose_client_left_is_read_on_to_the_byte_after_a_restart_of_the_proxy(house: House) -> None:
    house.asks(A)
    before = streaming(house, A, ROUNDS, RESUMABLE).speaks().hangs_up()
    until(lambda: house.model(A)["in_flight"] == 0)  # its engine has gone on, and has said it all

    docker("restart", "--time", "30", house.service("proxy"))
    until(lambda: house.is_healthy("proxy"))
    after = read(house, before.header("x-stream-id"), f"Last-Event-ID: {before.last_id}")

    said = before.events + after.events
    assert [number for number, _ in said] == list(range(1, len(said) + 1))
    assert text(before) + text(after) == replies(A)["text"] * ROUNDS
    assert said[-1][1] == "[DONE]"
    assert judge(read(house, before.header("x-stream-id")), A, ROUNDS) is Verdict.WHOLE
