"""What the page asks beside chats and pictures, of a real manager and real engines, through the proxy."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.conftest import Yard

pytestmark = pytest.mark.timeout(300)

MANAGER = "/api/managers/0"
CHAT = {"model": "demo-chat", "messages": [{"role": "user", "content": "Как дела, dear model?"}]}


@pytest.fixture(scope="module")
def http(yard: Yard) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=yard.url, timeout=120, trust_env=False) as client:
        yield client


def picture(width: int, height: int) -> dict[str, Any]:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(made, "PNG")
    url = "data:image/png;base64," + base64.b64encode(made.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": url}}


def events(reply: httpx.Response) -> Iterator[tuple[str, Any]]:
    kind = ""
    for line in reply.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def test_a_load_is_seen_from_beginning_to_end(http: httpx.Client) -> None:
    seen, machines = [], None

    with http.stream("GET", "/api/live") as reply:
        for kind, data in events(reply):
            if kind == "state":
                assert {model["name"] for model in data["models"]} >= {"demo-chat", "demo-vision", "demo-image"}
                assert http.post(f"{MANAGER}/models/demo-chat/load").status_code in (200, 202)
            elif kind == "machines":
                machines = data["machines"]
            elif kind == "models":
                seen += [model["phase"] for model in data["changed"] if model["name"] == "demo-chat"]
            if "ready" in seen and machines is not None:
                break

    assert seen[0] in ("starting", "loading")
    assert machines is not None
    assert machines[0]["connected"]
    assert machines[0]["ram"]["total_mib"] > 0


@pytest.mark.parametrize(
    "asked",
    [
        CHAT,
        {"model": "demo-vision", "messages": CHAT["messages"]},
        {
            "model": "demo-vision",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Image 1: "},
                        picture(640, 400),
                        {"type": "text", "text": "Image 2: "},
                        picture(100, 300),
                        {"type": "text", "text": "What is there?"},
                    ],
                },
            ],
            "labels": False,
        },
    ],
    ids=["text", "text of one that sees", "pictures"],
)
def test_what_was_counted_is_what_is_billed(http: httpx.Client, asked: dict[str, Any]) -> None:
    before = http.post("/api/tokens", json=asked).json()
    usage = http.post("/v1/chat/completions", json=asked).json()["usage"]
    counted = http.post("/api/tokens", json=asked).json()

    assert counted["exact"] is True
    assert counted["total"] == usage["prompt_tokens"]
    assert counted["remaining"] == counted["context"] - counted["total"]
    pictures = [item for item in counted["items"] if item["type"] == "image"]
    assert pictures == [item for item in before["items"] if item["type"] == "image"]


def test_models_json_is_changed_whole_and_acts(http: httpx.Client, yard: Yard) -> None:
    told = http.get(f"{MANAGER}/catalog").json()
    catalog = json.loads(told["text"])
    catalog["models"]["demo-chat"]["aliases"] = ["renamed-by-the-page"]
    text = json.dumps(catalog, indent=2)

    checked = http.post(f"{MANAGER}/catalog/check", content=text).json()
    written = http.put(f"{MANAGER}/catalog", content=text, headers={"if-match": told["etag"]})
    late = http.put(f"{MANAGER}/catalog", content=text, headers={"if-match": told["etag"]})

    assert checked == {"problems": []}
    assert (written.status_code, written.json()["changed"]) == (200, True)
    assert (late.status_code, late.json()["error"]["code"]) == (412, "edited_meanwhile")
    assert json.loads((yard.folder / "models.json").read_text()) == catalog
    assert http.get(f"{MANAGER}/models/renamed-by-the-page").json()["name"] == "demo-chat"


def test_what_an_engine_says_is_followed(http: httpx.Client) -> None:
    http.post("/v1/chat/completions", json=CHAT)

    with http.stream("GET", f"{MANAGER}/models/demo-chat/logs?follow=true&lines=5") as reply:
        kind, line = next(events(reply))

    assert reply.headers["content-type"].startswith("text/event-stream")
    assert kind == "line"
    assert isinstance(line, str)


def test_the_page_and_its_files_come_whole(http: httpx.Client) -> None:
    facts = http.get("/api/ui").json()
    index = http.get("/")

    assert f"/ui/{facts['page']}/" in index.text
    assert http.get(f"/ui/{facts['page']}/app.js").headers["cache-control"].endswith("immutable")
