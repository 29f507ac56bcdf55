"""The bodies of `POST /v1/images/generations` and `/v1/images/edits`, as far as they are understood.

Values only: what a model makes of them is the order's. Unknown fields are ignored; a known field that cannot be
honoured is refused.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from switchyard_image_server.errors import InvalidValue, Unsupported

MAX_PICTURES = 10
MAX_IMAGES = 16
MAX_PROMPT = 32_000
MAX_NAME = 512  # of a user
LEAST_STEPS = 2  # with one step the stock scheduler divides by zero, and the picture is black
MAX_STEPS = 200
MAX_PREVIEWS = 3
MAX_LORAS = 8

_Seed = Annotated[int, Field(ge=0, lt=2**63)]
_Steps = Annotated[int, Field(ge=LEAST_STEPS, le=MAX_STEPS)]
_Guidance = Annotated[float, Field(ge=0, le=100)]
_Scale = Annotated[float, Field(ge=-10, le=10)]
_Name = Annotated[str, Field(max_length=512)]

ELSEWHERE = {
    "complexity": "this model plans nothing before it draws",
    "frame_count": "it draws still pictures only",
    "frame_duration_ms": "it draws still pictures only",
    "svg": "it draws pixels only",
    "markup": "say in the prompt what is to be changed where, or send a mask",
}
PICTURES = ("image", "images", "mask")
OTHER_FORMATS = {"gif": "it draws still pictures only", "svg": "it draws pixels only"}


class OutputFormat(StrEnum):
    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


class Background(StrEnum):
    AUTO = "auto"
    OPAQUE = "opaque"
    TRANSPARENT = "transparent"


class Quality(StrEnum):
    """How much work goes into a picture, for whoever gives no number of steps."""

    AUTO = "auto"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    STANDARD = "standard"
    HD = "hd"
    XHIGH = "xhigh"
    MAX = "max"

    @property
    def effort(self) -> float:
        """By what the model's usual number of steps is multiplied, unless its schedule is fixed."""
        return _EFFORT.get(self, 1.0)


_EFFORT = {Quality.LOW: 0.5, Quality.HIGH: 1.5, Quality.HD: 1.5, Quality.XHIGH: 2.0, Quality.MAX: 2.0}


class AskedLora(BaseModel):
    """A LoRA by the operator's name for it, or by where it is. Which may be used is not decided here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: _Name | None = None
    path: Annotated[_Name | None, Field(validation_alias=AliasChoices("path", "local_path", "lora_path"))] = (
        None
    )
    scale: Annotated[_Scale | None, Field(validation_alias=AliasChoices("scale", "lora_scale"))] = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if not self.name and not self.path:
            raise InvalidValue("cannot use a lora without a name; add its name", param="lora")
        return self


_Lora = str | AskedLora


def _as_list(value: object) -> list[object]:
    """One is a list of one, and none an empty list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _as_loras(value: object) -> object:
    return [{"name": one} if isinstance(one, str) else one for one in _as_list(value)]


# What may be sent differs from what comes of it; the description of the API tells the former.
_LORAS = BeforeValidator(_as_loras, json_schema_input_type=_Lora | list[_Lora] | None)


class ImageRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT)]
    model: str | None = None
    n: Annotated[int, Field(ge=1, le=MAX_PICTURES)] = 1
    size: str = "auto"
    quality: Quality = Quality.AUTO
    background: Background = Background.AUTO
    output_format: OutputFormat = OutputFormat.PNG
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    response_format: Literal["b64_json", "url"] = "b64_json"
    style: Literal["vivid", "natural"] | None = None
    moderation: Literal["low", "auto"] | None = None
    input_fidelity: Literal["low", "high"] | None = None
    user: Annotated[str, Field(max_length=MAX_NAME)] | None = None
    safety_identifier: Annotated[str, Field(max_length=MAX_NAME)] | None = None
    stream: bool = False
    partial_images: Annotated[int, Field(ge=0, le=MAX_PREVIEWS)] | None = None
    progress: bool | None = None  # an event after each step, in streams
    negative_prompt: Annotated[str, Field(max_length=MAX_PROMPT)] | None = None
    steps: _Steps | None = None
    num_inference_steps: _Steps | None = None
    guidance_scale: _Guidance | None = None
    true_cfg_scale: _Guidance | None = None
    seed: _Seed | Annotated[tuple[_Seed, ...], Field(min_length=1, max_length=MAX_PICTURES)] | None = None
    sigmas: (
        Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=1, max_length=MAX_STEPS)]
        | None
    ) = None
    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    lora: Annotated[tuple[AskedLora, ...], Field(max_length=MAX_LORAS), _LORAS] = ()
    layers: Annotated[int, Field(ge=2, le=8)] | None = None
    resolution: Annotated[int, Field(ge=64, le=4096)] | None = None
    control_image: str | None = None
    controlnet_conditioning_scale: _Scale | None = None
    control_scale: _Scale | None = None
    as_job: Annotated[bool, Field(alias="async")] = False
    webhook: Annotated[str, Field(max_length=2048)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _what_others_can(cls, body: Any) -> Any:
        """Refuse by name what is known and cannot be done; as many pictures as there are seeds."""
        if not isinstance(body, Mapping):
            return body
        for name, why in ELSEWHERE.items():
            if body.get(name) is not None:
                raise Unsupported(f"cannot use {name}: {why}; leave it out", param=name)
        for name in PICTURES:
            if body.get(name) and "images" not in cls.model_fields:
                raise Unsupported(
                    f"cannot use {name} here: pictures are changed at /v1/images/edits; send it there",
                    param=name,
                )
        format_asked = str(body.get("output_format"))
        if format_asked in OTHER_FORMATS:
            raise Unsupported(
                f"cannot make a {format_asked}: {OTHER_FORMATS[format_asked]}; use png, jpeg or webp",
                param="output_format",
            )
        seeds = body.get("seed")
        return {**body, "n": len(seeds)} if isinstance(seeds, list) and body.get("n") is None else body

    @field_validator(
        *("n", "size", "quality", "background", "output_format", "response_format", "stream", "as_job"),
        mode="before",
    )
    @classmethod
    def _null_is_the_default(cls, value: object, info: Any) -> object:
        return cls.model_fields[info.field_name].default if value is None else value

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.background is Background.TRANSPARENT and self.output_format is OutputFormat.JPEG:
            raise Unsupported("cannot make a transparent jpeg; use png or webp", param="background")
        if self.output_format is OutputFormat.PNG and self.output_compression not in {None, 100}:
            raise Unsupported(
                "cannot compress a png further: it loses nothing; use jpeg or webp", param="output_compression"
            )
        if self.style == "natural":
            raise Unsupported("cannot change the style by name; describe it in the prompt", param="style")
        if isinstance(self.seed, tuple) and len(self.seed) != self.n:
            raise InvalidValue(
                f"cannot use {len(self.seed)} seeds for {self.n} pictures; send one each, or a single one",
                param="seed",
            )
        return self

    @property
    def asked_steps(self) -> int | None:
        return self.num_inference_steps or self.steps

    @property
    def asked_guidance(self) -> float | None:
        return self.guidance_scale if self.true_cfg_scale is None else self.true_cfg_scale

    @property
    def asked_control_scale(self) -> float | None:
        asked = self.controlnet_conditioning_scale
        return self.control_scale if asked is None else asked

    @property
    def previews(self) -> int:
        """How many previews of each picture are wanted."""
        return self.partial_images or 0

    @property
    def client(self) -> str | None:
        """Whom the request is for, by its own word."""
        return self.safety_identifier or self.user

    def without_images(self) -> Self:
        """For whoever keeps it: the pictures can be megabytes, and were read."""
        return self.model_copy(update={"control_image": None})

    def at_once_or_later(self, *, as_job: bool | None = None) -> Self:
        """With everything that depends on whether it is a job, which the address may say as well as the body.

        A job without a word about previews gets them: whoever polls wants to see something.
        """
        job = self.as_job if as_job is None else as_job
        if job and self.stream:
            raise Unsupported(
                "cannot stream a job here; leave stream out, and follow /v1/jobs/{id}/events", param="stream"
            )
        if self.webhook is not None and not job:
            raise Unsupported("cannot call a webhook without a job; set async to true", param="webhook")
        if self.stream and self.response_format == "url":
            raise Unsupported(
                "cannot stream addresses; leave response_format out, or stream", param="response_format"
            )
        if self.previews and not (self.stream or job):
            raise Unsupported(
                "cannot send partial images in a whole answer; set stream to true, or partial_images to 0",
                param="partial_images",
            )
        wanted = MAX_PREVIEWS if job and self.partial_images is None else self.previews
        return self.model_copy(update={"as_job": job, "partial_images": wanted})


def _as_addresses(value: object) -> object:
    return [_as_address(one, f"images[{place}]") for place, one in enumerate(_as_list(value))]


def _as_address(value: object, param: str) -> object:
    """An address as it is, or in the objects that OpenAI's clients wrap it in."""
    if not isinstance(value, Mapping):
        return value
    if value.get("file_id") is not None:
        raise Unsupported("cannot use a file_id: no files are kept here; send the image itself", param=param)
    inner = value.get("image_url", value.get("url"))
    return inner.get("url") if isinstance(inner, Mapping) else inner


class _Wrapped(BaseModel):
    """How OpenAI's clients send an address."""

    image_url: str | dict[str, str]


_Address = str | _Wrapped
_ADDRESSES = BeforeValidator(_as_addresses, json_schema_input_type=_Address | list[_Address] | None)
_MASK = BeforeValidator(lambda value: _as_address(value, "mask"), json_schema_input_type=_Address | None)


class EditRequest(ImageRequest):
    """`images` and `mask` are addresses. In a form the files come beside this; then both are left empty."""

    images: Annotated[tuple[str, ...], Field(max_length=MAX_IMAGES), _ADDRESSES] = ()
    mask: Annotated[str | None, _MASK] = None

    def without_images(self) -> Self:
        return self.model_copy(update={"control_image": None, "images": (), "mask": None})

    @model_validator(mode="before")
    @classmethod
    def _image_is_images(cls, body: Any) -> Any:
        if not isinstance(body, Mapping) or body.get("image") is None:
            return body
        if body.get("images") is not None:
            raise InvalidValue("cannot use image beside images; put them all into images", param="image")
        return {**body, "images": body["image"]}
