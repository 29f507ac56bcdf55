"""Streams, cold and warm: S1 to S11 of the wire contract. Beats are scaled; patience is the clients' own."""

import asyncio
import json
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.clients.agents import codex
from tests.clients.conftest import LANGCHAIN_PATIENCE_S, SCALED, Yard, each
from tests.clients.loads import CoolsDown
from tests.clients.programs import Program, Saw
from tests.clients.reading import read, text_of
from tests.clients.speech import Answer

ROUTES = ("chat", "completions", "responses", "messages", "pictures")
TALKERS = ("openai2", "openai3", "openai-node", "ai-sdk", "langchain")
OPENAI = ("openai2", "openai3", "openai-node")
LOAD_S = 8.0
SLOW_S = 5.0
SHORT_LOAD_S = 0.5  # some beats of the scaled clock


@pytest.mark.contract("S1")
@pytest.mark.parametrize("load_s", [None, SHORT_LOAD_S])
@pytest.mark.parametrize("route", ROUTES)
async def test_nobody_gets_ids_or_retries_who_did_not_ask(yard: Yard, route: str, load_s: float | None) -> None:
    await yard.opens(load_s=load_s)

    whole = await read(yard, route)

    assert whole.status == 200
    assert whole.ended
    assert not [line for line in whole.content.splitlines() if line.startswith((b"id:", b"id ", b"retry:"))]


@pytest.mark.contract("S1")
@each(*TALKERS)
@pytest.mark.parametrize("load_s", [None, SHORT_LOAD_S])
async def test_every_client_reads_a_stream_cold_and_warm(
    yard: Yard, client: Program, load_s: float | None
) -> None:
    await yard.opens(load_s=load_s)

    saw = await client.does("chat", base_url=yard.v1, model="chat", stream=True)

    assert saw.error is None
    assert saw.text == "Hello there"


@pytest.mark.contract("S1")
@pytest.mark.parametrize(
    ("client", "do"),
    [
        ("openai2", "completion"),
        ("openai3", "completion"),
        ("openai-node", "completion"),
        ("openai2", "respond"),
        ("openai3", "respond"),
        ("openai-node", "respond"),
        ("ai-sdk", "respond"),
        ("anthropic", "message"),
        ("anthropic", "helper"),
        ("ai-sdk", "message"),
    ],
    indirect=["client"],
)
async def test_so_it_does_in_every_dialect(yard: Yard, client: Program, do: str) -> None:
    await yard.opens(load_s=SHORT_LOAD_S)
    base = yard.url if client.name == "anthropic" else yard.v1

    cold = await client.does(do, base_url=base, model="chat", stream=True)
    warm = await client.does(do, base_url=base, model="chat", stream=True)

    assert (cold.error, warm.error) == (None, None)
    assert (cold.text, warm.text) == ("Hello there", "Hello there")


@pytest.mark.contract("S2")
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("cut", [61, 300])
async def test_a_beat_never_splits_an_event(yard: Yard, route: str, cut: int) -> None:
    await yard.opens(commit_after_s=0.05, heartbeat_s=0.02)
    yard.speaks.cut = cut
    yard.speaks.pace_s = 0.03

    whole = await read(yard, route)

    assert whole.ended
    assert all(event.is_comment or event.json for event in whole.events)
    if route != "pictures":
        assert text_of(route, whole.said) == "Hello there"


@pytest.mark.contract("S2")
@each(*TALKERS)
async def test_clients_read_thoughts_tools_and_words_between_beats(yard: Yard, client: Program) -> None:
    await yard.opens(load_s=0.4, commit_after_s=0.05, heartbeat_s=0.02)
    yard.speaks.answer = Answer(("Hel", "lo é 漢"), thoughts=("hm", "m"))
    yard.speaks.cut = 83
    yard.speaks.pace_s = 0.03

    talks = await client.does("chat", base_url=yard.v1, model="chat", stream=True)
    yard.speaks.answer = Answer(tool=("look", '{"where": "out"}'))
    calls = await client.does("chat", base_url=yard.v1, model="chat", stream=True, tools=True)

    assert (talks.error, calls.error) == (None, None)
    assert talks.text == "Hello é 漢"
    if client.name != "langchain":  # which shows neither
        assert talks.reasoning == "hmm"
        assert json.loads(calls.tools) == {"where": "out"}
        assert calls.finish in {"tool_calls", "tool-calls"}


@pytest.mark.contract("S3")
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("heartbeat", ["chunk", "comment", "reasoning"])
async def test_no_beat_begins_with_a_word_that_continue_takes_for_the_end(
    yard: Yard, route: str, heartbeat: str
) -> None:
    await yard.opens(load_s=0.5, commit_after_s=0.1, heartbeat_s=0.1, heartbeat=heartbeat)

    whole = await read(yard, route)

    assert len(whole.events) > 2
    assert not [line for line in whole.content.splitlines() if line.startswith((b": ping", b":ping"))]


@pytest.mark.contract("S4")
@pytest.mark.contract("S5")
@pytest.mark.contract("S6")
@pytest.mark.contract("D1")
async def test_the_impatient_outwait_a_load_of_8_s(
    yard: Yard, programs: dict[str, Program], tmp_path: Path
) -> None:
    """langchain-openai stands 2 s without a chunk (S4), Codex 3 s without an event (S5), Node's fetch here 2 s
    of silence (S6). All wait at the same time, for one load."""
    assert LOAD_S == 4 * LANGCHAIN_PATIENCE_S
    await yard.opens(load_s=LOAD_S)
    asked = {"base_url": yard.v1, "model": "chat", "stream": True}

    async with asyncio.TaskGroup() as group:
        agent = group.create_task(codex(yard.url, tmp_path, idle_ms=3000))
        waiting = {
            name: group.create_task(programs[name].does("chat", **asked, silence_s=2))
            for name in ("langchain", "openai-node", "ai-sdk")
        }

    seen = {name: task.result() for name, task in waiting.items()}
    assert {name: saw.error for name, saw in seen.items()} == dict.fromkeys(seen)
    assert {saw.text for saw in seen.values()} == {"Hello there"}
    assert all(saw.took_s > LOAD_S - 1 for saw in seen.values())
    assert agent.result().said == "Hello there", agent.result()
    assert len(yard.speaks.asked) == 4  # nobody asked twice
    assert yard.manager.loads == ["chat"]


@pytest.mark.contract("S6")
async def test_node_outwaits_a_slow_prompt(yard: Yard, programs: dict[str, Program]) -> None:
    await yard.opens()
    yard.speaks.first_after_s = SLOW_S

    seen = await _all_ask(yard, programs, ("openai-node", "ai-sdk"), stream=True)

    assert {name: (saw.error, saw.text) for name, saw in seen.items()} == dict.fromkeys(
        seen, (None, "Hello there")
    )


@pytest.mark.contract("S6")
async def test_a_plain_reply_that_takes_long_begins_with_blanks(
    yard: Yard, programs: dict[str, Program]
) -> None:
    await yard.opens(whitespace_after_s=1)
    yard.speaks.first_after_s = SLOW_S

    seen = await _all_ask(yard, programs, ("openai2", "openai3", "openai-node", "ai-sdk"))

    assert {name: (saw.error, saw.text) for name, saw in seen.items()} == dict.fromkeys(
        seen, (None, "Hello there")
    )


async def _all_ask(
    yard: Yard, programs: dict[str, Program], names: tuple[str, ...], **order: object
) -> dict[str, Saw]:
    """Each of them at the same time, with 2 s of patience for silence."""
    impatient = {"base_url": yard.v1, "model": "chat", "silence_s": 2, "timeout": 2, **order}
    seen = await asyncio.gather(*(programs[name].does("chat", **impatient) for name in names))
    return dict(zip(names, seen, strict=True))


@pytest.mark.contract("S7")
@pytest.mark.parametrize("do", ["chat", "completion"])
@pytest.mark.parametrize("load_s", [None, SHORT_LOAD_S])
@each(*OPENAI)
async def test_a_stream_has_one_id_from_start_to_finish(
    yard: Yard, client: Program, do: str, load_s: float | None
) -> None:
    await yard.opens(load_s=load_s)

    saw = await client.does(do, base_url=yard.v1, model="chat", stream=True)

    assert saw.error is None
    assert len(saw.ids) == 1


@pytest.mark.contract("S7")
@each(*OPENAI)
async def test_so_has_a_response_and_its_events_count_upwards(yard: Yard, client: Program) -> None:
    await yard.opens(load_s=SHORT_LOAD_S)

    saw = await client.does("respond", base_url=yard.v1, model="chat", stream=True)

    assert saw.error is None
    assert len(saw.ids) == 1
    assert saw.numbers == list(range(saw.numbers[0], saw.numbers[0] + len(saw.numbers)))
    assert saw.types[0] == "response.created"
    assert saw.types.count("response.created") == 1


@pytest.mark.contract("S7")
async def test_beats_carry_the_model_and_time_of_the_chunks_that_follow(yard: Yard) -> None:
    await yard.opens(load_s=SHORT_LOAD_S)

    whole = await read(yard, "chat")

    chunks = [each for each in whole.said if each != "[DONE]"]
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks}) == 1
    assert whole.said[-1] == "[DONE]"


@pytest.mark.contract("S8")
@pytest.mark.parametrize("load_s", [None, SHORT_LOAD_S])
@each(*OPENAI)
async def test_usage_comes_once_and_last_for_whoever_asked(
    yard: Yard, client: Program, load_s: float | None
) -> None:
    await yard.opens(load_s=load_s)

    saw = await client.does("chat", base_url=yard.v1, model="chat", stream=True, include_usage=True)

    assert saw.error is None
    assert saw.usages == [[saw.chunks, 10]]


@pytest.mark.contract("S8")
@each(*OPENAI)
async def test_nobody_else_gets_it(yard: Yard, client: Program) -> None:
    await yard.opens(load_s=SHORT_LOAD_S)

    cold = await client.does("chat", base_url=yard.v1, model="chat", stream=True)
    warm = await client.does("chat", base_url=yard.v1, model="chat", stream=True)

    assert (cold.error, warm.error) == (None, None)
    assert (cold.usages, warm.usages) == ([], [])


@pytest.mark.contract("S8")
@pytest.mark.parametrize("cut", [None, 1, 7, 83])
async def test_usage_is_the_last_before_the_end_however_the_bytes_come(yard: Yard, cut: int | None) -> None:
    await yard.opens()
    yard.speaks.cut = cut

    asked = await read(yard, "chat", stream_options={"include_usage": True})
    unasked = await read(yard, "chat")

    assert [bool(each.get("usage")) for each in asked.said[:-1]] == [False] * (len(asked.said) - 2) + [True]
    assert asked.said[-2]["choices"] == []
    assert asked.said[-1] == unasked.said[-1] == "[DONE]"
    assert not [each for each in unasked.said[:-1] if each.get("usage") or not each["choices"]]
    assert text_of("chat", unasked.said) == "Hello there"


@pytest.mark.contract("S8")
async def test_the_ai_sdk_shows_it(yard: Yard, ai_sdk: Program) -> None:
    await yard.opens()

    saw = await ai_sdk.does("chat", base_url=yard.v1, model="chat", stream=True, include_usage=True)

    assert saw.usage["totalTokens"] == 10


@pytest.mark.contract("S9")
@each("openai2", "openai3", "openai-node", "ai-sdk")
async def test_the_engine_hears_within_a_second_that_the_client_left(yard: Yard, client: Program) -> None:
    await yard.opens()
    yard.speaks.stalls_after = 3

    async with asyncio.TaskGroup() as group:
        group.create_task(client.does("chat", base_url=yard.v1, model="chat", stream=True, leave_after=2))
        await yard.speaks.begun.wait()
        began = time.monotonic()
        async with asyncio.timeout(5):
            await yard.speaks.gone.wait()

    assert time.monotonic() - began < 1
    await yard.proxy.until_idle()


@pytest.mark.contract("S9")
@each("openai2", "openai3", "openai-node")
async def test_who_leaves_while_the_model_loads_leaves_the_load_behind(yard: Yard, client: Program) -> None:
    await yard.opens(load_s=1.5)

    saw = await client.does("leave", base_url=yard.v1, model="chat", stream=True, after_s=0.8)
    later = await client.does("chat", base_url=yard.v1, model="chat", stream=True)

    assert saw.left
    assert later.text == "Hello there"
    assert yard.manager.loads == ["chat"]
    assert len(yard.speaks.asked) == 1


@pytest.mark.contract("S10")
async def test_beats_keep_time_while_fifty_streams_flow(yard: Yard, openai2: Program, openai3: Program) -> None:
    await yard.opens(load_s=0.0)
    await openai2.does("chat", base_url=yard.v1, model="chat")
    yard.speaks.answer = Answer(("word ",) * 60)
    yard.speaks.pace_s = 0.05
    yard.manager.load_s = 30.0

    async with asyncio.TaskGroup() as group:
        asked = {"base_url": yard.v1, "stream": True}
        crowd = group.create_task(openai2.does("many", **asked, model="chat", count=50))
        cold = group.create_task(openai3.does("chat", **asked, model="eyes", leave_after=30))

    assert crowd.result().errors == []
    assert crowd.result().texts == ["word " * 60]
    beats = cold.result().at
    assert len(beats) == 30
    late = [after - before for before, after in pairwise(beats) if after - before > SCALED["heartbeat_s"] + 1]
    assert len(late) <= 2, "a busy machine holds up everybody now and then, but not each time"


@pytest.mark.contract("S11")
@each("openai2", "openai3", "openai-node", "ai-sdk", "langchain")
async def test_what_fails_early_has_a_real_status_and_what_fails_late_is_an_error_in_the_stream(
    yard: Yard, client: Program
) -> None:
    await yard.opens(load_s=0.0, commit_after_s=0.5, fails_with="no driver", kind=CoolsDown)
    early = await client.does("chat", base_url=yard.v1, model="chat", stream=True)
    yard.manager.load_s = 1.0
    late = await client.does("chat", base_url=yard.v1, model="eyes", stream=True)

    assert early.error is not None
    assert late.error is not None
    assert early.error.status == 503
    assert late.error.status is None
    assert "no driver" in early.error.message
    assert "no driver" in late.error.message


@pytest.mark.contract("S11")
@pytest.mark.parametrize("route", ["chat", "completions", "responses", "messages"])
async def test_late_failures_are_events_in_the_dialect_of_the_stream(yard: Yard, route: str) -> None:
    await yard.opens(load_s=1.0, fails_with="no driver", kind=CoolsDown)

    whole = await read(yard, route)

    assert whole.status == 200
    assert whole.headers["content-type"].startswith("text/event-stream")
    assert b"no driver" in whole.content
    last = [each for each in whole.said if each != "[DONE]"][-1]
    if route == "responses":
        assert last["type"] in {"error", "response.failed"}
    elif route == "messages":
        assert last["type"] == "error"
        assert last["error"]["message"]
    else:
        assert {"message", "type", "param", "code"} <= set(last["error"])


@pytest.mark.contract("S11")
async def test_anthropics_client_is_told_early_and_late(yard: Yard, anthropic: Program) -> None:
    await yard.opens(load_s=0.0, commit_after_s=0.5, fails_with="no driver", kind=CoolsDown)
    early = await anthropic.does("message", base_url=yard.url, model="chat", stream=True)
    yard.manager.load_s = 1.0
    late = await anthropic.does("message", base_url=yard.url, model="eyes", stream=True)

    assert early.error is not None
    assert late.error is not None
    assert early.error.status in {503, 529}
    assert "no driver" in early.error.message + late.error.message
    assert "no driver" in late.error.message


@pytest.mark.contract("S11")
@pytest.mark.parametrize("route", ["chat", "completions", "messages"])
async def test_an_engines_refusal_after_the_commit_keeps_its_words(yard: Yard, route: str) -> None:
    await yard.opens(load_s=1.0)
    error = {"message": "maximum context length is 8192", "type": "BadRequestError", "param": None, "code": 400}
    yard.speaks.refuses = (400, {"error": error})

    whole = await read(yard, route)

    assert whole.status == 200
    told = [each for each in whole.said if each != "[DONE]"][-1]["error"]
    assert told["message"] == error["message"]
    if route != "messages":
        assert told == error
