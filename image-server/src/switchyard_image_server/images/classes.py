"""What is known of each pipeline class: the values it was made for, and the ways in which it can draw.

A model's own folder may know better (`image_defaults.json`), and the command line better still.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from switchyard_image_server.errors import InvalidValue, StartCode, StartFailure
from switchyard_image_server.images.lora_names import LoraShelf
from switchyard_image_server.images.request import LEAST_STEPS, MAX_STEPS
from switchyard_image_server.images.sizes import Size, parse_size
from switchyard_image_server.images.ways import (
    CONTROLLED,
    CONTROLLED_WITHIN,
    EDIT,
    EDIT_PLUS,
    EDIT_WITHIN,
    LAYERED,
    OVER,
    SECOND_GENERATION,
    WITHIN,
    WORDS,
    Way,
)
from switchyard_image_server.settings import ModelSettings

DEFAULTS_FILE = "image_defaults.json"


@dataclass(frozen=True, slots=True)
class PipelineFacts:
    """`guidance_field` is what the pipeline's call names classifier-free guidance.

    `negative` stands in for a missing negative prompt, for pipelines whose guidance does nothing without one.
    `fixed_steps` is set when the model carries its own schedule, which overrides any number of steps.
    """

    steps: int
    guidance: float
    native: Size
    multiple: int = 16
    guidance_field: str = "guidance_scale"
    negative: str | None = None
    transparent: bool = False
    max_prompt_tokens: int | None = None
    call: Mapping[str, object] = field(default_factory=dict)
    fixed_steps: int | None = None
    least_steps: int = LEAST_STEPS
    ways: tuple[Way, ...] = (WORDS,)
    shelf: LoraShelf = field(default_factory=LoraShelf)

    def told(self) -> dict[str, Any]:
        """What the model can do, as JSON."""
        return {
            "edits": any(way.most_images for way in self.ways),
            "from_words": any(not way.least_images for way in self.ways),
            "masks": any(way.mask for way in self.ways),
            "reference_images": max(way.most_images for way in self.ways),
            "control_image": any(way.control for way in self.ways),
            "layers": any(way.layered for way in self.ways),
            "transparent_background": self.transparent,
            "native_size": str(self.native),
            "size_multiple": self.multiple,
            "steps": {"default": self.steps, "fixed": self.fixed_steps is not None, "least": self.least_steps},
            "guidance": self.guidance,
            "loras": [lora.name for lora in self.shelf.named],
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What a loaded pipeline says of itself. `control` is what its ControlNet reads, if it has one.

    All after `control` is for classes that are not known: the defaults of its call, and its ways.
    """

    class_name: str
    sample_sigmas: int | None = None  # how many steps the model's own schedule has
    least_steps: int = LEAST_STEPS
    control: Literal["picture", "mask"] | None = None
    steps: int | None = None
    guidance: float | None = None
    native: Size | None = None
    multiple: int = 16
    max_prompt_tokens: int | None = None
    ways: tuple[Way, ...] = (WORDS,)


GENERIC = PipelineFacts(steps=30, guidance=5.0, native=Size(1024, 1024))
_CUT = {"max_sequence_length": 1024}  # by default what is over 512 is dropped without a word

_FIRST = PipelineFacts(
    steps=50,
    guidance=4.0,
    native=Size(1328, 1328),
    guidance_field="true_cfg_scale",
    negative=" ",
    max_prompt_tokens=1019,  # 1024 less the five that close the pipeline's own template
    call=_CUT,
    ways=(WORDS, OVER, WITHIN),
)
_EDIT = replace(_FIRST, native=Size(1024, 1024), ways=(EDIT, EDIT_WITHIN))

KNOWN: dict[str, PipelineFacts] = {
    "QwenImagePipeline": _FIRST,
    "QwenImageImg2ImgPipeline": _FIRST,
    "QwenImageInpaintPipeline": _FIRST,
    "QwenImageControlNetPipeline": _FIRST,
    "QwenImageControlNetInpaintPipeline": _FIRST,
    "QwenImageEditPipeline": _EDIT,
    "QwenImageEditInpaintPipeline": _EDIT,
    "QwenImageEditPlusPipeline": replace(_EDIT, steps=40, ways=(EDIT_PLUS,)),
    "QwenImageLayeredPipeline": replace(
        _FIRST,
        native=Size(640, 640),
        transparent=True,
        call={**_CUT, "cfg_normalize": True, "use_en_prompt": True},
        ways=(LAYERED,),
    ),
    "QwenImage21Pipeline": PipelineFacts(
        steps=40,
        guidance=1.0,
        native=Size(1024, 1024),
        multiple=32,
        guidance_field="true_cfg_scale",
        negative=" ",
        transparent=True,
        max_prompt_tokens=4096,  # its positions end at 8192, and pictures that come along take some
        ways=(SECOND_GENERATION,),
    ),
}


class _Defaults(BaseModel):
    """`image_defaults.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: str | None = None
    num_inference_steps: Annotated[int, Field(ge=LEAST_STEPS, le=MAX_STEPS)] | None = None
    true_cfg_scale: Annotated[float, Field(ge=0, le=100)] | None = None


def facts_of(
    seen: Seen, defaults: str | None, settings: ModelSettings, shelf: LoraShelf | None = None
) -> PipelineFacts:
    """`defaults` is the text of the model's own file, if it has one."""
    known = KNOWN.get(seen.class_name)
    facts = _with_defaults(_unknown(seen) if known is None else known, defaults, settings.model)
    return replace(
        facts,
        fixed_steps=seen.sample_sigmas,
        steps=seen.sample_sigmas or settings.steps or facts.steps,
        guidance=facts.guidance if settings.guidance is None else settings.guidance,
        least_steps=seen.least_steps,
        ways=_controlled(facts.ways, seen.control),
        shelf=shelf or LoraShelf(),
    )


def _unknown(seen: Seen) -> PipelineFacts:
    return replace(
        GENERIC,
        steps=seen.steps or GENERIC.steps,
        guidance=GENERIC.guidance if seen.guidance is None else seen.guidance,
        native=seen.native or GENERIC.native,
        multiple=seen.multiple,
        max_prompt_tokens=seen.max_prompt_tokens,
        ways=seen.ways,
    )


def _controlled(ways: tuple[Way, ...], control: Literal["picture", "mask"] | None) -> tuple[Way, ...]:
    """A ControlNet for masks fills them in itself, and better than the model alone."""
    match control:
        case "picture":
            return (*ways, CONTROLLED)
        case "mask":
            return (*(way for way in ways if not way.mask), CONTROLLED_WITHIN)
        case None:
            return ways


def _with_defaults(facts: PipelineFacts, text: str | None, model: str) -> PipelineFacts:
    if text is None:
        return facts
    try:
        said = _Defaults.model_validate_json(text)
        native = parse_size(said.size).rounded_down(facts.multiple) if said.size else facts.native
    except (ValidationError, InvalidValue) as error:
        raise StartFailure(
            StartCode.LOAD_FAILED,
            f"cannot use {DEFAULTS_FILE} of {model}: {_told(error)}; mend it, or remove it",
        ) from None
    return replace(
        facts,
        native=native,
        steps=said.num_inference_steps or facts.steps,
        guidance=facts.guidance if said.true_cfg_scale is None else said.true_cfg_scale,
    )


def _told(error: ValidationError | InvalidValue) -> str:
    if isinstance(error, InvalidValue):
        return error.message
    return ", ".join(".".join(map(str, fault["loc"])) + " " + fault["msg"] for fault in error.errors())
