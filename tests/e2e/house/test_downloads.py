"""Models that come from the Hub first: what a client hears while they come, and when they cannot be had."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from anthropic import APIStatusError as AnthropicError
from openai import APIStatusError

from tests.clients.programs import Program
from tests.e2e.house.conftest import MODEL_MIB, A
from tests.e2e.house.hearing import Stream, deltas, finish, request, text
from tests.e2e.house.stack import QUESTION, House, until
from tests.e2e.proxy.hearing import Heard
from tests.manager.model_files.hub import Hub
from tests.vllm_on_cpu import tiny_model
from tests.vllm_on_cpu.fixtures import MakeTiny
from tests.vllm_on_cpu.models import CARD, text_model
from tests.vllm_on_cpu.script import replies
from tests.vllm_on_cpu.tiny_model import Tiny

pytestmark = pytest.mark.timeout(400)

WANTED, GATED, UNKNOWN = "tiny-d", "tiny-gated", "tiny-unknown"
WEIGHTS = "model.safetensors"
BROKEN_AT, HELD_AT = 500_000, 1_200_000  # bytes of the weights, of some two million
SHARE = re.compile(r"downloading \d\.\d of 2\.2 MB, \d+ %")


def of_the_hub(repo: str) -> dict[str, Any]:
    entry = text_model(tiny_model.TEMPLATE, gpus=[CARD], vram_mib=MODEL_MIB, commit_after_s=1, heartbeat_s=1)
    del entry["path"]
    return entry | {"repo": repo}


@pytest.fixture
def house(house: House, hub: Hub, tiny: MakeTiny) -> Iterator[House]:
    """With models of the Hub in its catalog, and a Hub that has one of them for everybody."""
    folder = tiny(Tiny(WANTED))
    files: dict[str, bytes | str] = {file.name: file.read_bytes() for file in folder.iterdir()}
    hub.repo("org/tiny", files)
    hub.repo("org/gated", files, gated=True)
    repos = {WANTED: "org/tiny", GATED: "org/gated", UNKNOWN: "org/no-such-model"}
    house.write({**house.entries, **{name: of_the_hub(repo) for name, repo in repos.items()}})
    yield house
    hub.may_send.set()


def shown(house: House, model: str) -> dict[str, Any]:
    """What any client may read of a model."""
    status: dict[str, Any] = asked(house, "GET", f"/v1/models/{model}")["status"]
    return status


def reading_key(house: House) -> str:
    """Of a client that shows its reader what a model thinks, and so how long it is awaited."""
    return str(asked(house, "POST", "/api/keys", {"name": "reader", "beats": "reasoning"})["key"])


def asked(house: House, method: str, path: str, body: Any = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {house.key}"}
    reply = httpx.request(method, f"{house.url}{path}", headers=headers, json=body, trust_env=False)
    told: dict[str, Any] = reply.raise_for_status().json()
    return told


@pytest.mark.parametrize(
    ("model", "repo", "reason", "says", "advises"),
    [
        (GATED, "org/gated", "gated_repo", "it is gated", "accept the licence on"),
        (UNKNOWN, "org/no-such-model", "model_not_found", "there is no such repository", "check `repo`"),
    ],
)
async def test_a_repository_that_cannot_be_had_is_explained_in_every_client(
    house: House, openai_node: Program, model: str, repo: str, reason: str, says: str, advises: str
) -> None:
    with pytest.raises(APIStatusError) as by_openai:
        house.asks(model)
    by_node = await openai_node.does(
        "chat", base_url=f"{house.url}/v1", key=house.key, model=model, stream=True
    )
    with pytest.raises(AnthropicError) as by_anthropic:
        house.anthropic.messages.create(model=model, max_tokens=9, messages=QUESTION)

    heard = by_openai.value, by_node.error, by_anthropic.value
    assert [error.status_code for error in (heard[0], heard[2])] == [503, 503]
    assert (by_node.error.status, by_node.error.code) == (503, "model_load_failed")
    assert by_openai.value.code == "model_load_failed"
    for error in heard:
        assert f"cannot download {repo}: {says}" in error.message
        assert advises in error.message
    status = shown(house, model)
    assert (status["failed"], status["reason"]) == (True, reason)
    assert house.containers(model) == []


def test_a_waiting_client_sees_how_far_the_download_is_and_gets_its_answer_though_it_broke_off(
    house: House, hub: Hub
) -> None:
    house.asks(A)
    hub.may_send.clear()
    hub.holds_after = HELD_AT - BROKEN_AT
    hub.faults.cut_after[WEIGHTS] = [BROKEN_AT]
    question = {"model": WANTED, "messages": QUESTION, "stream": True}
    waiting = Stream(house.port, request("/v1/chat/completions", question, reading_key(house)))

    until(lambda: "; downloading " in thoughts(waiting.heard))
    meanwhile, shown_to_all = house.asks(A), shown(house, WANTED)
    spoke_too_soon = text(waiting.heard)
    hub.may_send.set()
    heard = waiting.whole()

    assert SHARE.search(thoughts(heard)), thoughts(heard)
    assert shown_to_all["value"] == "downloading"
    assert SHARE.search(shown_to_all["progress"]["text"])
    assert (spoke_too_soon, meanwhile) == ("", replies(A)["text"])  # no other was moved out meanwhile
    assert (heard.status, text(heard), finish(heard)) == (200, replies(WANTED)["text"], "stop")
    assert heard.events[-1][1] == "[DONE]"
    assert [part for part in hub.ranges(WEIGHTS) if part] == [f"bytes={BROKEN_AT}-"]


def thoughts(heard: Heard) -> str:
    return "".join(choice["delta"].get("reasoning_content") or "" for choice in deltas(heard))
