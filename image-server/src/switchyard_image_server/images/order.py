"""Settle what is to be drawn: the request, filled up with what the pipeline was made for.

Pure; nothing is decoded.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from switchyard_image_server.errors import InvalidValue, Unsupported
from switchyard_image_server.images.choice import way_for
from switchyard_image_server.images.classes import PipelineFacts
from switchyard_image_server.images.lora_names import AskedLora, LoraUse, Recipe, recipe_of, settle_loras
from switchyard_image_server.images.request import MAX_STEPS, Background, ImageRequest
from switchyard_image_server.images.sizes import MAX_PIXELS, Size, fitted, size_to_draw
from switchyard_image_server.images.ways import WORDS, Way
from switchyard_image_server.media.pictures import Picture

USUAL_LAYERS = 4
TILE = 16 * 16  # pixels that one token of the transformer covers


@dataclass(frozen=True, slots=True)
class Given:
    """The pictures that came with the request, opened and not decoded."""

    images: tuple[Picture, ...] = ()
    mask: Picture | None = None
    control: Picture | None = None


NOTHING = Given()


@dataclass(frozen=True, slots=True)
class Order:
    """One picture per seed. Nothing is left open: the same order gives the same pictures.

    `schedule` changes the scheduler's configuration.
    """

    prompt: str
    negative: str | None
    size: Size
    steps: int
    guidance: float
    seeds: tuple[int, ...]
    way: Way = WORDS
    given: Given = NOTHING
    strength: float | None = None
    sigmas: tuple[float, ...] | None = None
    control_scale: float | None = None
    layers: int | None = None
    resolution: int | None = None
    previews: int = 0
    loras: tuple[LoraUse, ...] = ()
    schedule: Mapping[str, object] = field(default_factory=dict)

    @property
    def image_tokens(self) -> int:
        """What the pictures that came along take of the transformer's sequence."""
        area = _reference_area(self.way, self.resolution)
        images = self.given.images if self.given.control is None else (self.given.control,)
        sizes = (fitted(area, Size(*one.size)) if area else self.size for one in images)
        return sum(size.pixels // TILE for size in sizes)

    @property
    def pictures(self) -> int:
        """How many come of it: each layer is one."""
        return len(self.seeds) * (self.layers or 1)

    @property
    def picture_tokens(self) -> int:
        return self.pictures * self.size.pixels // TILE


def settle_order(
    request: ImageRequest, given: Given, facts: PipelineFacts, new_seed: Callable[[], int]
) -> Order:
    if request.background is Background.TRANSPARENT and not facts.transparent:
        raise Unsupported("cannot draw on a transparent background with this model", param="background")
    way = way_for(facts.ways, given.images, given.mask, given.control)
    _check_mask(given)
    _only_understood(request, way)
    loras = settle_loras([AskedLora(one.name, one.path, one.scale) for one in request.lora], facts.shelf)
    recipe = recipe_of(loras)
    resolution = _resolution(request, way, facts)
    sigmas = _sigmas(request, recipe, facts)
    steps = _steps(request, recipe, facts) if sigmas is None else len(sigmas)
    guidance = request.asked_guidance
    if guidance is None:
        guidance = facts.guidance if recipe is None else recipe.guidance
    return Order(
        prompt=request.prompt,
        negative=_negative(request, facts, guidance),
        size=_size(request, given, way, facts, resolution),
        steps=steps,
        guidance=guidance,
        seeds=_seeds(request, new_seed),
        way=way,
        given=given,
        strength=_strength(request, way, steps),
        sigmas=sigmas,
        control_scale=_control_scale(request, way),
        layers=(request.layers or USUAL_LAYERS) if way.layered else None,
        resolution=resolution,
        previews=request.previews,
        loras=loras,
        schedule={} if recipe is None else recipe.schedule,
    )


def _check_mask(given: Given) -> None:
    if given.mask is None:
        return
    size, mask = Size(*given.images[0].size), Size(*given.mask.size)
    if size != mask:
        raise InvalidValue(
            f"cannot use a mask of {mask} for an image of {size}: send one of the image's size",
            param=given.mask.param,
        )


def _only_understood(request: ImageRequest, way: Way) -> None:
    """Refuse by name what would change the answer, and cannot be said to the pipeline."""
    why = {
        "strength": None if way.strength is not None else "it is for drawing over an image",
        "layers": None if way.layered else "this model draws one picture at a time, without layers",
        "sigmas": None if way.sigmas else "this model's scheduler takes none",
        "negative_prompt": None if way.negative else "this model reads none",
        "resolution": None if way.resolutions != () else "say the size instead",
        "controlnet_conditioning_scale": None if way.conditioned else "it is for drawing with a ControlNet",
        "control_scale": None if way.conditioned else "it is for drawing with a ControlNet",
    }
    for name, reason in why.items():
        if reason is not None and getattr(request, name) not in {None, ""}:
            raise Unsupported(f"cannot use {name} here: {reason}; leave it out", param=name)


def _resolution(request: ImageRequest, way: Way, facts: PipelineFacts) -> int | None:
    """The side of the square that pictures are scaled to."""
    if way.resolutions == ():
        return None
    usual = math.isqrt(facts.native.pixels) // 32 * 32
    asked = usual if request.resolution is None else request.resolution
    if way.resolutions is not None:
        asked = way.resolutions[0] if request.resolution is None else asked
        if asked not in way.resolutions:
            told = " or ".join(map(str, way.resolutions))
            raise InvalidValue(f"cannot draw at a resolution of {asked}: use {told}", param="resolution")
        return asked
    if asked * asked > MAX_PIXELS:
        raise InvalidValue(
            f"cannot draw at a resolution of {asked}: use {math.isqrt(MAX_PIXELS)} at the most",
            param="resolution",
        )
    if asked % 32:
        raise InvalidValue(
            f"cannot draw at a resolution of {asked}: use a multiple of 32, such as {asked // 32 * 32}",
            param="resolution",
        )
    return asked


def _reference_area(way: Way, resolution: int | None) -> int | None:
    return way.reference_area if resolution is None else resolution * resolution


def _size(request: ImageRequest, given: Given, way: Way, facts: PipelineFacts, resolution: int | None) -> Size:
    """`auto` is the shape of the first picture at the usual area, or the usual size where there is none."""
    area = _reference_area(way, resolution)
    if area is not None:
        for picture in given.images:
            _check_shape(picture, area)
    model = given.images[0] if given.images else given.control
    usual = facts.native if resolution is None else Size(resolution, resolution)
    if model is not None:
        usual = fitted((way.fixed_area and area) or usual.pixels, Size(*model.size))
    return size_to_draw("auto" if way.fixed_area else request.size, usual, facts.multiple)


def _check_shape(picture: Picture, area: int) -> None:
    shape = Size(*picture.size)
    if not fitted(area, shape).pixels:
        raise InvalidValue(f"cannot use an image of {shape}: it is too narrow", param=picture.param)


def _sigmas(request: ImageRequest, recipe: Recipe | None, facts: PipelineFacts) -> tuple[float, ...] | None:
    """The request's own go before those of a distilled LoRA, and so does its number of steps."""
    asked = request.asked_steps
    if request.sigmas is None:
        wanted = recipe.sigmas if recipe is not None else None
        return wanted if wanted is not None and asked in {None, len(wanted)} else None
    sigmas = request.sigmas
    if asked not in {None, len(sigmas)}:
        raise InvalidValue(
            f"cannot draw {len(sigmas)} sigmas in {asked} steps: leave the steps out", param="sigmas"
        )
    least = facts.least_steps if recipe is None else 1
    if len(sigmas) < least:
        raise InvalidValue(f"cannot draw with {len(sigmas)} sigma: this model needs {least}", param="sigmas")
    if any(later >= earlier for earlier, later in pairwise(sigmas)):
        raise InvalidValue("cannot draw with these sigmas: each must be below the one before", param="sigmas")
    return sigmas


def _steps(request: ImageRequest, recipe: Recipe | None, facts: PipelineFacts) -> int:
    asked = request.asked_steps
    if recipe is not None:
        return asked or recipe.steps
    if facts.fixed_steps is not None:
        if asked not in {None, facts.fixed_steps}:
            raise Unsupported(
                f"cannot draw in {asked} steps: this model has a schedule of {facts.fixed_steps}; "
                "leave the steps out",
                param="num_inference_steps",
            )
        return facts.fixed_steps
    return asked or min(MAX_STEPS, max(facts.least_steps, round(facts.steps * request.quality.effort)))


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


def _strength(request: ImageRequest, way: Way, steps: int) -> float | None:
    strength = way.strength if request.strength is None else request.strength
    if strength is None:
        return None
    # As the pipelines reckon: what is next to nothing is lost when it is taken from the steps.
    left = steps - int(steps - steps * strength) if way.least_one else int(steps * strength)
    if left < 1:
        raise InvalidValue(
            f"cannot draw with a strength of {strength:g} in {steps} steps: no step is left; raise either",
            param="strength",
        )
    return strength


def _control_scale(request: ImageRequest, way: Way) -> float | None:
    asked = request.asked_control_scale
    return (1.0 if asked is None else asked) if way.conditioned else None


def _seeds(request: ImageRequest, new_seed: Callable[[], int]) -> tuple[int, ...]:
    """Those that were sent, or one after the other from the one that was."""
    if isinstance(request.seed, tuple):
        return request.seed
    first = new_seed() if request.seed is None else request.seed
    return tuple((first + i) % 2**63 for i in range(request.n))
