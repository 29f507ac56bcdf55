"""Pictures: I1 to I5 of the wire contract."""

import base64
from typing import Any

import pytest

from tests.clients.conftest import Yard, each
from tests.clients.engine import asked_of, form_of
from tests.clients.programs import Program
from tests.clients.reading import read
from tests.clients.speech import PICTURE

PAINTERS = ("openai2", "openai3", "openai-node", "ai-sdk")
OPENAI = ("openai2", "openai3", "openai-node")
CONTENT = base64.b64decode(PICTURE)


@pytest.mark.contract("I1")
@each(*PAINTERS)
@pytest.mark.parametrize("model", ["paint", "gpt-image-1"])
async def test_who_names_no_format_gets_base64(yard: Yard, client: Program, model: str) -> None:
    await yard.opens()

    saw = await client.does("picture", base_url=yard.v1, model=model)

    assert saw.error is None
    assert saw.pictures == [PICTURE]
    asked = asked_of(yard.speaks.asked[0])
    assert asked["model"] == "paint"
    assert asked.get("response_format") in {None, "b64_json"}


@pytest.mark.contract("I1")
@pytest.mark.parametrize("load_s", [0.5])
@each(*PAINTERS)
async def test_a_cold_model_paints_too(yard: Yard, client: Program, load_s: float) -> None:
    await yard.opens(load_s=load_s)

    saw = await client.does("picture", base_url=yard.v1, model="paint")

    assert saw.error is None
    assert saw.pictures == [PICTURE]


@pytest.mark.contract("I2")
@pytest.mark.parametrize("images", [0, 1, 3])
@pytest.mark.parametrize("mask", [False, True])
@each(*OPENAI)
async def test_each_client_sends_pictures_under_a_name_of_its_own(
    yard: Yard, client: Program, images: int, *, mask: bool
) -> None:
    """None is a picture by itself, any number is a list of so many."""
    await yard.opens()

    saw = await client.does("picture", base_url=yard.v1, model="paint", images=images, mask=mask)

    assert saw.error is None
    assert saw.pictures == [PICTURE]
    files = [part for part in form_of(yard.speaks.asked[0]) if part.filename is not None]
    name = "image" if images == 0 else "image[]"
    assert [part.name for part in files if part.name != "mask"] == [name] * max(images, 1)
    assert ("mask" in [part.name for part in files]) is mask
    assert {part.content for part in files} == {CONTENT}


@pytest.mark.contract("I2")
@pytest.mark.parametrize("images", [1, 2])
async def test_so_does_the_ai_sdk(yard: Yard, ai_sdk: Program, images: int) -> None:
    await yard.opens()

    saw = await ai_sdk.does("picture", base_url=yard.v1, model="paint", images=images)

    assert saw.error is None
    assert saw.pictures == [PICTURE]
    files = [part for part in form_of(yard.speaks.asked[0]) if part.filename is not None]
    assert len(files) == images
    assert {part.content for part in files} == {CONTENT}


@pytest.mark.contract("I2")
@pytest.mark.parametrize("names", [["image"], ["image[]", "image[]"], ["image[0]", "image[1]"]])
async def test_every_name_for_pictures_in_a_form_passes_with_the_mask(yard: Yard, names: list[str]) -> None:
    await yard.opens()
    files = [(name, (f"{number}.png", CONTENT, "image/png")) for number, name in enumerate(names)]
    files.append(("mask", ("mask.png", CONTENT, "image/png")))

    async with yard.proxy.client() as http:
        reply = await http.post("/v1/images/edits", files=files, data={"model": "gpt-image-1", "prompt": "x"})

    assert reply.status_code == 200, reply.text
    parts = form_of(yard.speaks.asked[0])
    assert [part.name for part in parts if part.filename is not None] == [*names, "mask"]
    assert asked_of(yard.speaks.asked[0])["model"] == "paint"


@pytest.mark.contract("I2")
async def test_pictures_may_come_in_json(yard: Yard) -> None:
    await yard.opens()
    address = f"data:image/png;base64,{PICTURE}"
    asked = {
        "model": "paint",
        "prompt": "x",
        "images": [{"image_url": address}],
        "mask": {"image_url": address},
    }

    async with yard.proxy.client() as http:
        reply = await http.post("/v1/images/edits", json=asked)

    assert reply.status_code == 200, reply.text
    assert yard.speaks.asked[0].json == asked


# Open WebUI itself needs half a gigabyte of packages; what it sends is in the contract, and played here.
@pytest.mark.contract("I3")
async def test_open_webui_paints_and_edits(yard: Yard) -> None:
    await yard.opens()
    painted: dict[str, Any] = {
        "model": "paint",
        "prompt": "x",
        "n": 1,
        "size": "512x512",
        "response_format": "b64_json",
    }
    edited = {"model": "paint", "prompt": "y", "n": "1", "size": "512x512", "response_format": "b64_json"}

    async with yard.proxy.client(headers={"authorization": "Bearer sk-any"}) as http:
        listed = await http.get("/v1/models")
        drawn = await http.post("/v1/images/generations", json=painted | {"steps": 4, "negative_prompt": "z"})
        content = base64.b64decode(drawn.json()["data"][0]["b64_json"])
        one = await http.post(
            "/v1/images/edits", data=edited, files={"image": ("image.png", content, "image/png")}
        )
        two = await http.post(
            "/v1/images/edits", data=edited, files=[("image[]", ("i.png", content, "image/png"))] * 2
        )

    assert "paint" in [model["id"] for model in listed.json()["data"]]
    assert [reply.status_code for reply in (drawn, one, two)] == [200, 200, 200]
    assert all(reply.json()["data"][0]["b64_json"] == PICTURE for reply in (drawn, one, two))
    assert yard.speaks.asked[0].json == painted | {"steps": 4, "negative_prompt": "z"}


@pytest.mark.contract("I4")
@each(*PAINTERS)
async def test_auto_is_taken_for_everything(yard: Yard, client: Program) -> None:
    await yard.opens()
    auto = {"size": "auto", "quality": "auto", "background": "auto"}
    asks = {"providerOptions": {"yard": auto}} if client.name == "ai-sdk" else auto

    saw = await client.does("picture", base_url=yard.v1, model="paint", asks=asks)

    assert saw.error is None
    assert saw.pictures == [PICTURE]
    asked = asked_of(yard.speaks.asked[0])
    assert asked | auto == asked


@pytest.mark.contract("I5")
@pytest.mark.parametrize("load_s", [None, 0.8])
@pytest.mark.parametrize("images", [None, 0, 2])
@each(*OPENAI)
async def test_streamed_pictures_are_what_the_client_has_types_for(
    yard: Yard, client: Program, images: int | None, load_s: float | None
) -> None:
    await yard.opens(load_s=load_s)
    kind = "image_generation" if images is None else "image_edit"
    more = {} if images is None else {"images": images}

    saw = await client.does(
        "picture", base_url=yard.v1, model="paint", stream=True, asks={"partial_images": 1}, **more
    )

    assert saw.error is None
    assert saw.types == [f"{kind}.partial_image", f"{kind}.completed"]
    assert saw.pictures == [PICTURE]
    assert saw.usage["total_tokens"] == 10


@pytest.mark.contract("I5")
async def test_beats_between_pictures_are_comments(yard: Yard) -> None:
    await yard.opens(load_s=0.8)

    whole = await read(yard, "pictures")

    assert [event.field("event") for event in whole.events if not event.is_comment] == [
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    assert any(event.is_comment for event in whole.events)
