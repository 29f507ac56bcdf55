"""Jobs, addresses and LoRAs with a real pipeline behind the real application."""

import base64
import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers

# isort: split
import torch
from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler
from PIL import Image

from switchyard_image_server.engine import load_model
from switchyard_image_server.settings import Device, ModelSettings, NamedLora
from tests.image_server.engine.tiny_loras import write_lightning, write_peft

BODY = {"prompt": "a cat", "size": "64x64", "steps": 2, "seed": 7, "true_cfg_scale": 1.0}
LIGHTNING = "Qwen-Image-Lightning-4steps-V2.0.safetensors"


@pytest.fixture(scope="module")
def plain(demo: Path) -> Any:
    """What Diffusers alone makes of the same weights."""
    pipeline = DiffusionPipeline.from_pretrained(demo / "image", dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def loras(plain: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loras")
    write_peft(folder / "ink.safetensors", plain.transformer, seed=1)
    write_lightning(folder / LIGHTNING, plain.transformer, seed=2)
    (folder / "broken.safetensors").write_bytes(b"no weights at all")
    return folder


@pytest.fixture(scope="module")
def model(demo: Path, loras: Path) -> Any:
    named = (
        NamedLora("ink", str(loras / "ink.safetensors"), 0.5),
        NamedLora("fast", str(loras / LIGHTNING)),
        NamedLora("broken", str(loras / "broken.safetensors")),
    )
    settings = ModelSettings(str(demo / "image"), device=Device.CPU, loras=named, lora_root=loras)
    return load_model(settings)


@pytest.fixture
def served(serve: Callable[..., Any], model: Any) -> Iterator[Any]:
    return serve(lambda: model).until_ready()


def pixels(datum: dict[str, Any]) -> bytes:
    return Image.open(io.BytesIO(base64.b64decode(datum["b64_json"]))).convert("RGB").tobytes()


def draw(served: Any, **more: Any) -> bytes:
    answer = served.client.post("/v1/images/generations", json=BODY | more)
    assert answer.status_code == 200, answer.text
    return pixels(answer.json()["data"][0])


def start(served: Any, **more: Any) -> str:
    answer = served.client.post("/v1/images/generations", json=BODY | {"async": True} | more)
    assert answer.status_code == 202, answer.text
    path: str = answer.json()["links"]["self"]
    return path


def ended(served: Any, path: str) -> dict[str, Any]:
    served.until(lambda: served.client.get(path).json()["status"] not in {"queued", "in_progress"})
    told: dict[str, Any] = served.client.get(path).json()
    return told


def test_a_job_draws_the_very_picture_of_the_plain_route(served: Any) -> None:
    told = ended(served, start(served))

    assert told["status"] == "completed"
    assert pixels(told["result"]["data"][0]) == draw(served)


def test_previews_and_steps_come_while_it_draws(served: Any) -> None:
    ahead = start(served, steps=200)  # so that the listener is there before the first step
    path = start(served, steps=20, partial_images=2)

    with httpx.stream("GET", f"{served.url}{path}/events", timeout=30) as stream:
        served.client.delete(ahead)
        lines = [line for line in stream.iter_lines() if line.startswith("data: ")]
    told = [json.loads(line.removeprefix("data: ")) for line in lines]

    assert told[-1]["status"] == "completed"
    assert (told[-1]["step"], told[-1]["total"]) == (20, 20)
    assert any(one["preview"] for one in told)


def test_cancel_stops_the_work_between_steps(served: Any) -> None:
    path = start(served, steps=200)
    served.until(lambda: served.client.get(path).json()["step"] >= 1)

    told = served.client.delete(path).json()
    served.until(lambda: not served.worker.busy)

    assert told["status"] == "cancelled"
    assert served.client.get(path).json()["step"] < 200
    assert draw(served) == draw(served)


def test_a_picture_behind_an_address_is_the_one_that_was_drawn(served: Any) -> None:
    told = ended(served, start(served, response_format="url"))

    fetched = httpx.get(told["result"]["data"][0]["url"])

    assert fetched.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(fetched.content)).convert("RGB").tobytes() == draw(served)


def test_a_request_wears_what_it_names_and_the_next_one_does_not(served: Any, plain: Any, loras: Path) -> None:
    base = draw(served)

    dressed = draw(served, lora="ink")

    assert dressed == alone(plain, loras / "ink.safetensors", scale=0.5)
    assert dressed == draw(served, lora={"path": "ink.safetensors", "scale": 0.5})
    assert draw(served, lora={"name": "ink", "scale": 1.0}) != dressed
    assert draw(served) == base


def alone(plain: Any, file: Path, scale: float = 1.0, **more: Any) -> bytes:
    """As Diffusers alone would draw it."""
    options = {"num_inference_steps": 2, "true_cfg_scale": 1.0, "max_sequence_length": 1024} | more
    plain.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name="one")
    plain.set_adapters(["one"], [scale])
    try:
        generator = torch.Generator("cpu").manual_seed(7)
        with torch.inference_mode():
            drawn = plain("a cat", height=64, width=64, generator=generator, **options)
    finally:
        plain.unload_lora_weights()
    content: bytes = drawn.images[0].convert("RGB").tobytes()
    return content


def test_lightning_is_drawn_with_its_own_schedule(served: Any, plain: Any, loras: Path) -> None:
    stock = plain.scheduler
    plain.scheduler = FlowMatchEulerDiscreteScheduler.from_config(
        stock.config, base_shift=math.log(3), max_shift=math.log(3), shift_terminal=None
    )
    try:
        expected = alone(plain, loras / LIGHTNING, num_inference_steps=4)
        sigmas = [round(float(sigma), 2) for sigma in plain.scheduler.sigmas]
    finally:
        plain.scheduler = stock

    answer = served.client.post(
        "/v1/images/generations", json={"prompt": "a cat", "size": "64x64", "seed": 7, "lora": "fast"}
    )

    assert sigmas == [1.0, 0.9, 0.75, 0.5, 0.0]
    assert pixels(answer.json()["data"][0]) == expected


@pytest.mark.parametrize("lora", ["nobody", {"path": "../../etc/passwd"}, {"path": "someone/lora"}, "broken"])
def test_what_cannot_be_worn_is_a_400_that_names_the_field(served: Any, lora: Any) -> None:
    base = draw(served)

    answer = served.client.post("/v1/images/generations", json=BODY | {"lora": lora})

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "lora"), answer.text
    assert draw(served) == base


def test_sleeping_takes_the_loras_off_and_waking_brings_the_same_pictures(served: Any, model: Any) -> None:
    base, dressed = draw(served), draw(served, lora=["ink", {"name": "fast", "scale": 0.5}], steps=3)

    assert served.client.post("/sleep").status_code == 200
    assert served.client.post("/wake").status_code == 200

    assert draw(served) == base
    assert draw(served, lora=["ink", {"name": "fast", "scale": 0.5}], steps=3) == dressed


def test_the_catalog_is_listed(served: Any) -> None:
    (told,) = served.client.get("/v1/models").json()["data"]

    assert "ink" in json.dumps(told)
