"""What is known of each pipeline class: the values it was made for, and what its call understands.

A model's own folder may know better (`image_defaults.json`), and the command line better still.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from switchyard_image_server.errors import InvalidValue, StartCode, StartFailure
from switchyard_image_server.images.request import LEAST_STEPS, MAX_STEPS
from switchyard_image_server.images.sizes import Size, parse_size
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


GENERIC = PipelineFacts(steps=30, guidance=5.0, native=Size(1024, 1024))

KNOWN: dict[str, PipelineFacts] = {
    "QwenImagePipeline": PipelineFacts(
        steps=50,
        guidance=4.0,
        native=Size(1328, 1328),
        guidance_field="true_cfg_scale",
        negative=" ",
        max_prompt_tokens=1019,  # 1024 less the five that close the pipeline's own template
        call={"max_sequence_length": 1024},  # by default it drops what is over 512 without a word
    ),
    "QwenImage21Pipeline": PipelineFacts(
        steps=40,
        guidance=1.0,
        native=Size(1024, 1024),
        multiple=32,
        guidance_field="true_cfg_scale",
        negative=" ",
        transparent=True,
    ),
}


class _Defaults(BaseModel):
    """`image_defaults.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: str | None = None
    num_inference_steps: Annotated[int, Field(ge=LEAST_STEPS, le=MAX_STEPS)] | None = None
    true_cfg_scale: Annotated[float, Field(ge=0, le=100)] | None = None


def facts_of(
    class_name: str,
    defaults: str | None,
    settings: ModelSettings,
    *,
    fixed_steps: int | None = None,
    native_side: int | None = None,
) -> PipelineFacts:
    """`defaults` is the text of the model's own file, if it has one; `native_side` is for unknown classes."""
    generic = replace(GENERIC, native=Size(native_side, native_side)) if native_side else GENERIC
    facts = _with_defaults(KNOWN.get(class_name, generic), defaults, settings.model)
    facts = replace(facts, fixed_steps=fixed_steps, steps=fixed_steps or settings.steps or facts.steps)
    return facts if settings.guidance is None else replace(facts, guidance=settings.guidance)


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
