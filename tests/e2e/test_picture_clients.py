"""OpenAI's clients draw, edit and look at a film through the whole product, and find what their types say."""

import asyncio
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.image_servers import ENGINE, SDKS, faults
from tests.clients.programs import Program, missing
from tests.clients.scenes import COUNTS_TWO, FEW, SMALL, left_half, opened, png, scene, unknown_size
from tests.e2e.conftest import ROOT, Yard

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]


@pytest.fixture(scope="module")
def sdks() -> Iterator[dict[str, Program]]:
    yield {program.name: program for program in SDKS}
    for program in SDKS:
        program.close()


@pytest.fixture(params=[program.name for program in SDKS])
def sdk(request: pytest.FixtureRequest, sdks: dict[str, Program]) -> Program:
    return sdks[request.param]


@pytest.fixture(scope="module")
def film() -> bytes:
    make = (
        "import sys; from tests.image_server.engine.films import film; sys.stdout.buffer.write(film(frames=8))"
    )
    return subprocess.run([ENGINE / "python", "-c", make], cwd=ROOT, check=True, capture_output=True).stdout


def to(yard: Yard, model: str) -> dict[str, Any]:
    return {"base_url": f"{yard.url}/v1", "model": model}


@pytest.mark.parametrize("given", [{}, {"images": [png()], "mask": left_half()}], ids=["drawn", "edited"])
async def test_a_streamed_picture_is_the_whole_one(yard: Yard, sdk: Program, given: dict[str, Any]) -> None:
    order = to(yard, "demo-image") | given | {"extra": FEW}

    streamed = await sdk.does("picture", **order, stream=True, asks=SMALL | {"partial_images": 1})
    whole = await sdk.does("picture", **order, asks=SMALL)

    kind = "image_edit" if given else "image_generation"
    assert set(faults(streamed)) == set(faults(whole)) == unknown_size(sdk)
    assert streamed.types == [f"{kind}.partial_image", f"{kind}.completed"]
    assert streamed.pictures[-1] == whole.pictures[0]
    assert opened(whole.pictures[0]).size == (64, 64)


@pytest.mark.parametrize("stream", [False, True])
async def test_two_pictures_and_a_film_are_seen(yard: Yard, sdk: Program, film: bytes, *, stream: bool) -> None:
    saw = await sdk.does(
        "chat", **to(yard, "demo-vision"), asks=scene(film), stream=stream, include_usage=stream
    )

    assert faults(saw) == []
    assert (saw.text, saw.finish) == ({"0": COUNTS_TWO}, {"0": "stop"})
    assert saw.bodies[-1]["usage"]["prompt_tokens_details"]["video_tokens"] > 0


async def test_the_engines_refusal_keeps_its_field(yard: Yard, sdk: Program) -> None:
    saw = await sdk.does("picture", **to(yard, "demo-image"), asks=SMALL | {"background": "transparent"})

    assert (saw.error.kind, saw.error.param, saw.error.code) == (
        *("BadRequestError", "background"),
        "unsupported_parameter",
    )


async def test_giving_up_reaches_the_engine(yard: Yard, sdk: Program) -> None:
    endless = to(yard, "demo-image") | {"asks": {"prompt": "x", "size": "768x768"}, "extra": {"steps": 200}}

    left = await sdk.does("leave", **endless, after_s=1.5)
    async with asyncio.timeout(20):  # the whole would take minutes, and this waits behind it
        drawn = await sdk.does("picture", **to(yard, "demo-image"), asks=SMALL, extra=FEW)

    assert left.left is True
    assert drawn.error is None, drawn.told
