"""Memory runs out at the allocator, in every stage of a picture, and clients hear of it over HTTP: served one
strategy cheaper, or refused honestly; whoever comes next gets the very picture that they would have got.
"""

import base64
import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from switchyard_image_server.settings import NamedLora
from tests.image_server.engine.starving import Starving, starve
from tests.image_server.engine.tiny_loras import write_peft

HEADER = "x-switchyard-memory"
BODY = {"prompt": "a cat", "size": "64x64", "steps": 4, "seed": 7, "true_cfg_scale": 1.0}
STAGES = {
    "text": ("text_encoder", "forward", 0),
    "the image that came along": ("vae", "encode", 0),
    "the first step": ("transformer", "forward", 0),
    "the third step": ("transformer", "forward", 2),
    "decoding": ("vae", "decode", 0),
}


@pytest.fixture(scope="module")
def ink(image_model: Any, tmp_path_factory: pytest.TempPathFactory) -> NamedLora:
    file = tmp_path_factory.mktemp("loras") / "ink.safetensors"
    return NamedLora("ink", str(write_peft(file, image_model._pipeline.transformer)))


@pytest.fixture
def model(demo: Path, load_from: Callable[..., Any], ink: NamedLora) -> Any:
    """For each test its own: the way in which it lives gets cheaper for good."""
    return load_from(demo / "image", loras=(ink,))


@pytest.fixture
def served(serve: Callable[..., Any], model: Any) -> Iterator[Any]:
    return serve(lambda: model).until_ready()


def edit(served: Any, **more: Any) -> Any:
    content = io.BytesIO()
    Image.linear_gradient("L").resize((64, 64)).save(content, "PNG")
    url = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
    return served.client.post("/v1/images/edits", json=BODY | {"images": [url], "strength": 1.0} | more)


def pictures(answer: Any) -> list[bytes]:
    assert answer.status_code == 200, answer.text
    return [
        Image.open(io.BytesIO(base64.b64decode(one["b64_json"]))).tobytes() for one in answer.json()["data"]
    ]


def streamed(served: Any) -> list[dict[str, Any]]:
    lines = edit(served, stream=True, partial_images=2).text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]


def without_room(
    served: Any, pipeline: Any, stage: str, calls: Callable[[int], bool]
) -> AbstractContextManager[Starving]:
    """Half of what it usually takes there."""
    part, method, _ = STAGES[stage]
    owner = getattr(pipeline, part)
    with starve(owner, 10**12, method=method) as usual:
        edit(served)
    return starve(owner, usual.most // 2, method=method, calls=calls)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_runs_out_once_is_made_again_one_strategy_cheaper(
    served: Any, model: Any, stage: str
) -> None:
    before = pictures(edit(served))

    with without_room(served, model._pipeline, stage, lambda call: call == STAGES[stage][2]) as starving:
        answer = edit(served)

    assert starving.failed == 1
    assert pictures(answer) == before
    assert "the VAE works in tiles" in answer.headers[HEADER]
    assert answer.headers[HEADER] == answer.json()["memory"]
    after = edit(served)
    assert (pictures(after), HEADER in after.headers) == (before, False)


@pytest.mark.parametrize("stage", ["text", "the third step", "decoding"])
def test_a_stage_that_never_fits_is_refused_with_what_was_tried(served: Any, model: Any, stage: str) -> None:
    before = pictures(edit(served))

    with without_room(served, model._pipeline, stage, lambda call: call >= STAGES[stage][2]) as starving:
        answer = edit(served)

    told = answer.json()["error"]
    assert (starving.failed, answer.status_code, told["code"]) == (2, 500, "out_of_memory")
    assert "cannot draw 64x64 on cpu" in told["message"]
    assert "and again after this: after OutOfMemoryError" in told["message"]
    assert "ask for a smaller size, or fewer or smaller images" in told["message"]
    assert answer.headers["x-should-retry"] == "false"
    assert pictures(edit(served)) == before


def test_several_pictures_that_do_not_fit_together_are_drawn_apart(served: Any, model: Any) -> None:
    before = pictures(edit(served, n=3))

    with without_room(served, model._pipeline, "the third step", lambda call: call == 5):
        answer = edit(served, n=3)

    assert pictures(answer) == before
    assert (answer.json()["timings"]["passes"], HEADER in answer.headers) == (2, False)
    assert pictures(edit(served, n=3)) == before


def test_a_stream_leaves_out_previews_that_do_not_fit(served: Any, model: Any) -> None:
    before = pictures(edit(served))

    with without_room(served, model._pipeline, "decoding", lambda call: call == 0) as starving:
        *previews, last = streamed(served)

    assert (starving.failed, previews, last["type"]) == (1, [], "image_edit.completed")
    assert Image.open(io.BytesIO(base64.b64decode(last["b64_json"]))).tobytes() == before[0]
    assert pictures(edit(served)) == before


def test_a_pass_that_is_made_again_shows_no_preview_twice(served: Any, model: Any) -> None:
    with without_room(served, model._pipeline, "the third step", lambda call: call == 3):
        told = streamed(served)

    assert [one.get("partial_image_index") for one in told] == [0, 1, None]
    assert "the VAE works in tiles" in told[-1]["memory"]


@pytest.mark.parametrize("always", [False, True])
def test_a_lora_that_does_not_fit_is_put_on_again_and_never_half(served: Any, model: Any, always: bool) -> None:
    plain = pictures(edit(served))

    with starve(
        model._pipeline.transformer, 0, method="load_lora_adapter", calls=lambda call: always or call == 0
    ) as said:
        answer = edit(served, lora="ink")

    assert said.failed == 1 + always
    assert pictures(edit(served)) == plain
    inked = pictures(edit(served, lora="ink"))
    assert inked != plain
    if always:
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "out_of_memory")
    else:
        assert pictures(answer) == inked
        assert "the VAE works in tiles" in answer.headers[HEADER]


def test_a_job_that_runs_out_fails_with_the_same_words(served: Any, model: Any) -> None:
    before = pictures(edit(served))

    with without_room(served, model._pipeline, "the third step", lambda call: call >= 2):
        path = edit(served, **{"async": True}).json()["links"]["self"]
        served.until(lambda: served.client.get(path).json()["status"] in {"failed", "completed"})

    told = served.client.get(path).json()
    assert (told["status"], told["error"]["code"]) == ("failed", "out_of_memory")
    assert pictures(edit(served)) == before
