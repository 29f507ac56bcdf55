"""The SDKs draw and edit with the image server itself: each reply is what their own types say."""

import asyncio
import base64
from typing import Any

import httpx
import pytest

from tests.clients.image_servers import ENDLESS, ENDLESS_STEPS, ImageServer, Servers, faults
from tests.clients.programs import Program
from tests.clients.scenes import FEW, SMALL, left_half, opened, png, unknown_size

pytestmark = pytest.mark.timeout(180)  # the first test waits for the models to be made and loaded

OURS = {"timings", "data.seed"}
OURS_IN_EVENTS = {"index", "seed", "timings", "usage.output_tokens_details"}


def metadata_of(body: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(body[name] for name in ("size", "quality", "background", "output_format"))


async def test_draws_several_of_a_size_with_fields_of_ours(servers: Servers, sdk: Program) -> None:
    asks = SMALL | {"n": 2, "quality": "low", "output_format": "webp"}

    saw = await sdk.does("picture", **servers.draws.order, asks=asks, extra=FEW | {"true_cfg_scale": 2.0})

    assert set(faults(saw)) == unknown_size(sdk)
    assert set(saw.beyond) == OURS
    assert [(one.format, one.size) for one in map(opened, saw.pictures)] == [("WEBP", (64, 64))] * 2
    (body,) = saw.bodies
    assert metadata_of(body) == ("64x64", "medium", "opaque", "webp")  # steps were given, not left to quality
    assert [one["seed"] for one in body["data"]] == [11, 12]
    assert body["timings"]["passes"] >= 1
    assert body["usage"]["output_tokens"] == 2 * 64 * 64 // 256


@pytest.mark.parametrize("quality", ["low", "medium", "high", "xhigh"])
async def test_a_reply_says_the_quality_and_for_whom(servers: Servers, sdk: Program, quality: str) -> None:
    asks = SMALL | {"quality": quality, "user": "somebody"}

    saw = await sdk.does("picture", **servers.draws.order, asks=asks)

    is_newer = {"quality: literal_error"} if (sdk.name, quality) == ("openai2", "xhigh") else set()
    assert set(faults(saw)) == unknown_size(sdk) | is_newer
    assert saw.bodies[0]["quality"] == quality
    assert saw.bodies[0]["safety_identifier"] == "somebody"
    assert set(saw.beyond) == OURS | ({"safety_identifier"} if sdk.name == "openai2" else set())


async def test_version_2_has_no_fault_to_find_with_a_size_that_it_knows(
    servers: Servers, sdks: dict[str, Any]
) -> None:
    asks = {"prompt": "a red cat", "size": "1024x1024"}

    saw = await sdks["openai2"].does("picture", **servers.draws.order, asks=asks, extra={"steps": 2})

    assert faults(saw) == []


async def test_an_address_has_the_same_picture(servers: Servers, sdk: Program) -> None:
    order = servers.draws.order

    inline = await sdk.does("picture", **order, asks=SMALL, extra=FEW)
    linked = await sdk.does("picture", **order, asks=SMALL | {"response_format": "url"}, extra=FEW)

    assert set(faults(linked)) == unknown_size(sdk)
    async with httpx.AsyncClient() as http:
        fetched = await http.get(linked.pictures[0])
    assert fetched.headers["content-type"] == "image/png"
    assert base64.b64encode(fetched.content).decode() == inline.pictures[0]


async def test_edits_one_image_within_a_mask(servers: Servers, sdk: Program) -> None:
    order = servers.draws.order | {"asks": SMALL, "extra": FEW}

    alone = await sdk.does("picture", **order, images=[png()], lone=True)
    masked = await sdk.does("picture", **order, images=[png()], lone=True, mask=left_half())
    listed = await sdk.does("picture", **order, images=[png()], mask=left_half())

    assert set(faults(alone)) == set(faults(masked)) == unknown_size(sdk)
    assert set(masked.beyond) == OURS
    assert masked.pictures != alone.pictures
    assert listed.pictures == masked.pictures


async def test_edits_after_several_images(servers: Servers, sdk: Program) -> None:
    order = servers.refers.order | {"asks": SMALL, "extra": FEW | {"resolution": 64}}

    one = await sdk.does("picture", **order, images=[png("red")])
    two = await sdk.does("picture", **order, images=[png("red"), png("blue")])
    turned = await sdk.does("picture", **order, images=[png("blue"), png("red")])

    assert set(faults(two)) == unknown_size(sdk)
    assert set(two.beyond) == OURS
    read = [saw.bodies[0]["usage"]["input_tokens_details"]["image_tokens"] for saw in (one, two)]
    assert read[1] == 2 * read[0] > 0
    assert two.pictures != turned.pictures


async def test_keeps_what_is_clear(servers: Servers, sdk: Program) -> None:
    clear = await sdk.does(
        "picture", **servers.refers.order, asks=SMALL | {"background": "transparent"}, extra=FEW
    )
    flat = await sdk.does("picture", **servers.refers.order, asks=SMALL | {"background": "opaque"}, extra=FEW)

    assert opened(clear.pictures[0]).mode == "RGBA"
    assert (opened(flat.pictures[0]).mode, flat.bodies[0]["background"]) == ("RGB", "opaque")


@pytest.mark.parametrize("kind", ["image_generation", "image_edit"])
async def test_streams_previews_and_then_the_picture(servers: Servers, sdk: Program, kind: str) -> None:
    given = {"images": [png()], "mask": left_half()} if kind == "image_edit" else {}
    order = servers.draws.order | given | {"extra": FEW}

    saw = await sdk.does("picture", **order, stream=True, asks=SMALL | {"partial_images": 2})
    whole = await sdk.does("picture", **order, asks=SMALL)

    assert set(faults(saw)) == unknown_size(sdk)
    partial, completed = f"{kind}.partial_image", f"{kind}.completed"
    previews = saw.types.count(partial)
    assert saw.types == [partial] * previews + [completed]
    # Drawing over an image takes a part of the steps only: there may be none left to show.
    assert previews in ({2} if kind == "image_generation" else {1, 2})
    assert [body["partial_image_index"] for body in saw.bodies[:-1]] == list(range(previews))
    assert saw.pictures[-1] == whole.pictures[0] != saw.pictures[0]
    assert set(saw.beyond) == OURS_IN_EVENTS
    assert {metadata_of(body) for body in saw.bodies} == {("64x64", "medium", "opaque", "png")}
    assert saw.bodies[-1]["usage"] == whole.bodies[0]["usage"]


async def test_streams_an_edit_after_several_images(servers: Servers, sdk: Program) -> None:
    order = servers.refers.order | {"images": [png("red"), png("blue")]}

    saw = await sdk.does(
        "picture",
        **order,
        stream=True,
        asks=SMALL | {"partial_images": 1, "n": 2},
        extra=FEW | {"resolution": 64},
    )

    assert set(faults(saw)) == unknown_size(sdk)
    assert saw.types == ["image_edit.partial_image"] * 2 + ["image_edit.completed"] * 2
    assert sorted((body["type"].rpartition(".")[2], body["index"]) for body in saw.bodies) == [
        *(("completed", 0), ("completed", 1)),
        *(("partial_image", 0), ("partial_image", 1)),
    ]
    assert len(set(saw.pictures)) == 4


async def test_without_previews_there_is_the_picture_only(servers: Servers, sdk: Program) -> None:
    saw = await sdk.does("picture", **servers.draws.order, stream=True, asks=SMALL, extra=FEW)

    assert saw.types == ["image_generation.completed"]


@pytest.mark.parametrize(
    ("asks", "extra", "param", "code"),
    [
        ({"n": 11}, {}, "n", "invalid_value"),
        ({"size": "100000x100000"}, {}, "size", "invalid_value"),
        ({"background": "transparent"}, {}, "background", "unsupported_parameter"),
        ({"output_format": "gif"}, {}, "output_format", "unsupported_parameter"),
        ({}, {"num_inference_steps": 1}, "num_inference_steps", "invalid_value"),
        ({}, {"strength": 0.5}, "strength", "unsupported_parameter"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_is_a_bad_request_that_names_the_field(
    servers: Servers, sdk: Program, asks: Any, extra: Any, param: str, code: str, *, stream: bool
) -> None:
    saw = await sdk.does(
        "picture", **servers.draws.order, asks=SMALL | asks, extra=extra, stream=stream, retries=2
    )

    assert (saw.error.kind, saw.error.status) == ("BadRequestError", 400), saw.error.told
    assert (saw.error.param, saw.error.code) == (param, code), saw.error.told
    assert saw.attempts == 1


async def test_a_file_that_is_no_picture_is_named(servers: Servers, sdk: Program) -> None:
    content = base64.b64encode(b"no picture").decode()

    saw = await sdk.does("picture", **servers.draws.order, asks=SMALL, images=[png(), content])

    assert (saw.error.kind, saw.error.param) == ("BadRequestError", "image[1]"), saw.error.told


async def test_an_unknown_model_is_not_found(servers: Servers, sdk: Program) -> None:
    saw = await sdk.does("picture", **servers.draws.order | {"model": "gpt-image-9"}, asks=SMALL)

    assert (saw.error.kind, saw.error.code, saw.error.param) == ("NotFoundError", "model_not_found", "model")


async def test_a_wrong_key_is_an_authentication_error(servers: Servers, sdk: Program) -> None:
    saw = await sdk.does("picture", **servers.refers.order | {"key": "sk-wrong"}, asks=SMALL)

    assert (saw.error.kind, saw.error.code) == ("AuthenticationError", "invalid_api_key")


async def test_a_full_queue_is_a_rate_limit_error(servers: Servers, sdk: Program) -> None:
    async with servers.draws.asked() as asked, asked.with_a_full_queue(room=1):
        saw = await sdk.does("picture", **servers.draws.order, asks=SMALL, extra=FEW)

    assert (saw.error.kind, saw.error.status, saw.error.code) == ("RateLimitError", 429, "queue_full")
    assert int(saw.error.headers["retry-after"]) >= 1


async def test_a_retry_waits_as_long_as_it_is_told_and_is_served(servers: Servers, sdk: Program) -> None:
    async with (
        servers.draws.asked() as asked,
        asyncio.TaskGroup() as group,
        asked.with_a_full_queue(room=1),
    ):
        before = await asked.count("http_requests", 'status="429"')
        drawing = group.create_task(
            sdk.does("picture", **servers.draws.order, asks=SMALL, extra=FEW, retries=3)
        )
        async with asyncio.timeout(30):
            while await asked.count("http_requests", 'status="429"') == before:
                await asyncio.sleep(0.02)

    saw = await drawing
    assert saw.error is None, saw.told
    assert saw.attempts >= 2
    # The least that the server says; left to themselves, the SDKs try again within half of it at first.
    assert saw.took_s >= saw.attempts - 1


async def steps_after_leaving(server: ImageServer, steps: int, leaving: Any) -> int:
    """How many the server still takes of those asked for, after its client has gone."""
    async with server.asked() as asked:
        began = await asked.count("denoising_steps")
        await leaving
        gone = await asked.count("denoising_steps")
        await asked.until(busy=False, waiting=0)
        ended = await asked.count("denoising_steps")
    assert 0 < ended - began < steps
    return ended - gone


async def test_closing_a_stream_stops_the_drawing(servers: Servers, sdk: Program) -> None:
    order = servers.draws.order | {"asks": ENDLESS | {"partial_images": 3}, "stream": True}
    steps = 20  # the first of three previews comes after a quarter of them
    leaving = sdk.does("picture", **order, extra={"steps": steps}, leave_after=1)

    assert await steps_after_leaving(servers.draws, steps, leaving) <= 2


async def test_giving_up_a_request_stops_the_drawing(servers: Servers, sdk: Program) -> None:
    order = servers.draws.order | {"asks": ENDLESS, "extra": {"steps": ENDLESS_STEPS}}
    leaving = sdk.does("leave", **order, after_s=1.5)

    assert await steps_after_leaving(servers.draws, ENDLESS_STEPS, leaving) <= 2


async def test_lists_its_model(servers: Servers, sdk: Program) -> None:
    saw = await sdk.does("models", **servers.draws.order)

    assert faults(saw) == []
    assert [body["id"] for body in saw.bodies] == [servers.draws.model] * 2
