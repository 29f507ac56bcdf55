"""Settle what is to be drawn: the request, filled up with what the pipeline was made for. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from switchyard_image_server.errors import Unsupported
from switchyard_image_server.images.classes import PipelineFacts
from switchyard_image_server.images.request import Background, ImageRequest
from switchyard_image_server.images.sizes import Size, size_to_draw


@dataclass(frozen=True, slots=True)
class Order:
    """One picture per seed. Nothing is left open: the same order gives the same pictures."""

    prompt: str
    negative: str | None
    size: Size
    steps: int
    guidance: float
    seeds: tuple[int, ...]


def settle_order(request: ImageRequest, facts: PipelineFacts, new_seed: Callable[[], int]) -> Order:
    if request.background is Background.TRANSPARENT and not facts.transparent:
        raise Unsupported("cannot draw on a transparent background with this model", param="background")
    guidance = facts.guidance if request.asked_guidance is None else request.asked_guidance
    seed = new_seed() if request.seed is None else request.seed
    return Order(
        prompt=request.prompt,
        negative=_negative(request, facts, guidance),
        size=size_to_draw(request.size, facts.native, facts.multiple),
        steps=_steps(request, facts),
        guidance=guidance,
        seeds=tuple((seed + i) % 2**63 for i in range(request.n)),
    )


def _steps(request: ImageRequest, facts: PipelineFacts) -> int:
    asked = request.asked_steps
    if facts.fixed_steps is not None and asked not in {None, facts.fixed_steps}:
        raise Unsupported(
            f"cannot draw in {asked} steps: this model has a schedule of {facts.fixed_steps}; "
            "leave the steps out",
            param="num_inference_steps",
        )
    return asked or facts.steps


def _negative(request: ImageRequest, facts: PipelineFacts, guidance: float) -> str | None:
    """Guidance of 1 or less is none: the pipeline would ignore the negative prompt."""
    if guidance > 1:
        return request.negative_prompt or facts.negative
    if request.negative_prompt:
        raise Unsupported(
            f"cannot use a negative prompt without guidance: set true_cfg_scale above 1 (it is {guidance:g})",
            param="negative_prompt",
        )
    return None
