"""Whole programs and other dialects: D1 to D3 of the wire contract."""

from pathlib import Path

import pytest

from tests.clients.agents import claude_code, codex
from tests.clients.conftest import Yard
from tests.clients.programs import Program

COLD_S = 0.6


@pytest.mark.contract("D1")
@pytest.mark.parametrize("load_s", [None, COLD_S])
async def test_claude_code_says_hi(yard: Yard, tmp_path: Path, load_s: float | None) -> None:
    await yard.opens(load_s=load_s, api_key="sk-right")

    ended = await claude_code(yard.url, tmp_path, key="sk-right")

    assert ended.code == 0, ended
    assert "Hello there" in ended.said
    assert yard.speaks.asked[-1].json["model"] == "chat"


@pytest.mark.contract("D1")
async def test_claude_code_is_told_why_a_model_does_not_load(yard: Yard, tmp_path: Path) -> None:
    await yard.opens(load_s=0.6, fails_with="no driver")

    ended = await claude_code(yard.url, tmp_path)

    assert ended.code != 0
    assert "no driver" in ended.said + ended.complained


@pytest.mark.contract("D1")
@pytest.mark.parametrize("load_s", [None, COLD_S])
async def test_codex_says_hi(yard: Yard, tmp_path: Path, load_s: float | None) -> None:
    await yard.opens(load_s=load_s)

    ended = await codex(yard.url, tmp_path)

    assert ended.code == 0, ended
    assert ended.said == "Hello there"


@pytest.mark.contract("D1")
async def test_codex_is_told_why_a_model_does_not_load(yard: Yard, tmp_path: Path) -> None:
    await yard.opens(load_s=0.6, fails_with="no driver")

    ended = await codex(yard.url, tmp_path)

    assert ended.code != 0
    assert "no driver" in ended.said + ended.complained


# Anthropic's own client, beyond what it shares with the others.
@pytest.mark.contract("D1")
async def test_tokens_are_counted_by_the_engine(yard: Yard, anthropic: Program) -> None:
    await yard.opens()

    saw = await anthropic.does("count_tokens", base_url=yard.url, model="claude-sonnet-4-5")

    assert saw.error is None
    assert saw.tokens == 7
    assert yard.speaks.asked[0].json["model"] == "chat"


@pytest.mark.contract("D2")
@pytest.mark.parametrize("path", ["/models", "/v1/models"])
async def test_the_list_tells_what_is_loaded(yard: Yard, path: str) -> None:
    await yard.opens(load_s=30)

    async with yard.proxy.client() as http:
        listed = (await http.get(path)).json()["data"]

    assert {model["id"]: model["status"]["value"] for model in listed} == dict.fromkeys(
        ("chat", "eyes", "paint"), "unloaded"
    )


@pytest.mark.contract("D2")
async def test_a_button_for_a_model_that_is_not_there_is_refused(yard: Yard) -> None:
    await yard.opens(load_s=0.1, fails_with="no driver")

    async with yard.proxy.client() as http:
        nobody = await http.post("/models/load", json={"model": "nobody"})

    assert nobody.status_code in {400, 404}
    assert nobody.json()["error"]["message"].startswith("cannot")


@pytest.mark.contract("D3")
async def test_ollamas_client_lists_what_there_is_and_what_runs(
    yard: Yard, programs: dict[str, Program]
) -> None:
    await yard.opens(ollama="on", load_s=0.2)
    ollama = programs["ollama"]

    listed = await ollama.does("list", base_url=yard.url)
    before = await ollama.does("ps", base_url=yard.url)
    await ollama.does("chat", base_url=yard.url, model="chat")
    after = await ollama.does("ps", base_url=yard.url)

    assert listed.error is None
    assert {name.removesuffix(":latest") for name in listed.models} == {"chat", "eyes"}
    assert before.models == []
    assert [name.removesuffix(":latest") for name in after.models] == ["chat"]


@pytest.mark.contract("D3")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("load_s", [None, COLD_S])
async def test_ollamas_client_talks(
    yard: Yard, programs: dict[str, Program], load_s: float | None, *, stream: bool
) -> None:
    await yard.opens(ollama="on", load_s=load_s)

    saw = await programs["ollama"].does("chat", base_url=yard.url, model="chat", stream=stream)

    assert saw.error is None
    assert saw.text == "Hello there"
    assert saw.done is True


@pytest.mark.contract("D3")
async def test_ollamas_client_generates_embeds_and_asks_what_a_model_can(
    yard: Yard, programs: dict[str, Program]
) -> None:
    await yard.opens(ollama="on")
    ollama = programs["ollama"]

    generated = await ollama.does("generate", base_url=yard.url, model="chat")
    embedded = await ollama.does("embed", base_url=yard.url, model="chat")
    shown = await ollama.does("show", base_url=yard.url, model="chat")

    assert (generated.error, embedded.error, shown.error) == (None, None, None)
    assert generated.text == "Hello there"
    assert embedded.vector == [1.0, 2.0]
    assert "completion" in shown.capabilities


@pytest.mark.contract("D3")
async def test_ollamas_client_is_told_of_failures(yard: Yard, programs: dict[str, Program]) -> None:
    await yard.opens(ollama="on", load_s=0.1, fails_with="no driver")
    ollama = programs["ollama"]

    nobody = await ollama.does("chat", base_url=yard.url, model="nobody")
    failed = await ollama.does("chat", base_url=yard.url, model="chat", stream=True)

    assert nobody.error is not None
    assert nobody.error.status == 404
    assert failed.error is not None
    assert "no driver" in failed.error.message


@pytest.mark.contract("D3")
async def test_without_the_switch_nothing_of_ollamas_is_served(yard: Yard) -> None:
    await yard.opens()

    async with yard.proxy.client() as http:
        replies = [await http.get("/api/tags"), await http.post("/api/chat", json={"model": "chat"})]

    assert [reply.status_code for reply in replies] == [404, 404]
