"""What a pipeline is called with, out of an order."""

import inspect
from collections.abc import Sequence
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before torch

# isort: split
import torch
from PIL import Image

from switchyard_image_server.images.classes import PipelineFacts
from switchyard_image_server.images.materials import Materials
from switchyard_image_server.images.order import Order


def arguments(
    pipeline: Any, facts: PipelineFacts, order: Order, materials: Materials, seeds: Sequence[int]
) -> dict[str, Any]:
    """Only what the call understands. Noise comes from CPU generators: the same on every device."""
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    said = {
        **facts.call,
        "prompt": order.prompt,
        "negative_prompt": order.negative,
        "height": order.size.height,
        "width": order.size.width,
        "num_inference_steps": order.steps,
        facts.guidance_field: order.guidance,
        "sigmas": None if order.sigmas is None else list(order.sigmas),
        "num_images_per_prompt": len(seeds),
        "generator": generators if len(generators) > 1 else generators[0],
        **_pictures(order, materials, len(seeds)),
        **_said_once(order),
    }
    understood = inspect.signature(pipeline.__call__).parameters
    if "control_image" in said and "control_image" not in understood:
        said["image"] = said.pop("control_image")  # as the oldest pipelines call it
    if "height" not in understood and order.way.strength is not None:
        said |= {name: _fitted(said[name], order) for name in ("image", "mask_image") if said.get(name)}
    return {name: value for name, value in said.items() if name in understood and value is not None}


def _pictures(order: Order, materials: Materials, count: int) -> dict[str, Any]:
    way, images = order.way, materials.images
    if way.control:
        return {"control_image": materials.control}
    if way.conditioned:
        return {"control_image": images[0], "control_mask": materials.mask}
    if way.most_images > 1:
        return {"image": list(images)} if images else {}
    if not images:
        return {}
    # One for each: a single one would be encoded with the first picture's noise for all of them.
    image = [images[0]] * count if count > 1 and way.strength is not None else images[0]
    return {"image": image, "mask_image": materials.mask}


def _fitted(image: Image.Image, order: Order) -> Image.Image:
    """For pipelines that draw whatever size they are given a picture of."""
    return image.resize((order.size.width, order.size.height), Image.Resampling.LANCZOS)


def _said_once(order: Order) -> dict[str, Any]:
    return {
        "strength": order.strength,
        "controlnet_conditioning_scale": order.control_scale,
        "layers": order.layers,
        "resolution": order.resolution,
        "output_resolution": order.resolution,
    }
