"""Latents to pictures: what the pipelines do at their end, for any moment before it.

Previews and finished pictures go through the same function, one picture at a time, so that a preview after the
last step is the picture, and a batch takes no more memory to decode than one picture does.
"""

from collections.abc import Callable
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers

# isort: split
import torch
from diffusers import AutoencoderKL
from PIL import Image

from switchyard_image_server.images.sizes import Size

Decode = Callable[[Any, Any], list[Image.Image]]
"""From the pipeline and one picture's latents: the picture; none where they are not understood."""


def final_decode(pipeline: Any, size: Size, layers: int | None) -> Decode | None:
    """`None` for what decodes for itself: layers, which their pipeline hands out in no other form, and classes
    that nobody has looked into.
    """
    if layers is not None or not type(pipeline).__name__.startswith("QwenImage"):
        return None
    return lambda running, latents: _picture(running, latents, size)


def preview_decode(pipeline: Any, size: Size, layers: int | None) -> Decode | None:
    """Layers are previewed by the one that they make together, which the model draws along with them."""
    if layers is not None:
        return lambda running, latents: _whole(running, latents, size, layers)
    return final_decode(pipeline, size, None) or _plain(pipeline)


def _picture(pipeline: Any, latents: Any, size: Size) -> list[Image.Image]:
    unpacked = pipeline._unpack_latents  # noqa: SLF001 - each class packs in its own way, and tells no other
    tiles = unpacked(latents, size.height, size.width, pipeline.vae_scale_factor)
    return _shown(pipeline, _scaled(pipeline, tiles))


def _whole(pipeline: Any, latents: Any, size: Size, layers: int) -> list[Image.Image]:
    unpacked = pipeline._unpack_latents  # noqa: SLF001 - as above
    tiles = unpacked(latents, size.height, size.width, layers, pipeline.vae_scale_factor)
    return _shown(pipeline, _scaled(pipeline, tiles)[:, :, :1])


def _scaled(pipeline: Any, tiles: Any) -> Any:
    """As the VAE was trained. The two generations round differently: each exactly as its pipelines do."""
    vae = pipeline.vae
    tiles = tiles.to(vae.dtype)
    shape = (1, vae.config.z_dim, 1, 1, 1)
    mean = torch.tensor(vae.config.latents_mean).view(shape).to(tiles.device, tiles.dtype)
    deviation = torch.tensor(vae.config.latents_std).view(shape).to(tiles.device, tiles.dtype)
    if type(pipeline).__name__ == "QwenImage21Pipeline":
        return tiles * deviation + mean
    return tiles / (1.0 / deviation) + mean


def _shown(pipeline: Any, tiles: Any) -> list[Image.Image]:
    pixels = pipeline.vae.decode(tiles, return_dict=False)[0][:, :, 0]
    return list(pipeline.image_processor.postprocess(pixels, output_type="pil"))


def _plain(pipeline: Any) -> Decode | None:
    """For the many pipelines whose latents go to an `AutoencoderKL` as they are."""
    vae = getattr(pipeline, "vae", None)
    if not isinstance(vae, AutoencoderKL) or (vae.config.force_upcast and vae.dtype is torch.float16):
        return None  # the latter is decoded in another format, by a VAE that is changed for it
    scale, shift = vae.config.scaling_factor, vae.config.shift_factor or 0.0

    def decode(running: Any, latents: Any) -> list[Image.Image]:
        if latents.ndim != 4:
            return []
        pixels = vae.decode(latents / scale + shift, return_dict=False)[0]
        return list(running.image_processor.postprocess(pixels, output_type="pil"))

    return decode
