"""The body of `POST /v1/images/generations`, as far as it is understood. Unknown fields are ignored; a known
field that cannot be honoured is refused.
"""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from switchyard_image_server.errors import Unsupported

MAX_PICTURES = 4
MAX_PROMPT = 32_000
LEAST_STEPS = 2  # with one step the stock scheduler divides by zero, and the picture is black
MAX_STEPS = 200


class OutputFormat(StrEnum):
    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


class Background(StrEnum):
    AUTO = "auto"
    OPAQUE = "opaque"
    TRANSPARENT = "transparent"


class ImageRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT)]
    model: str | None = None
    n: Annotated[int, Field(ge=1, le=MAX_PICTURES)] = 1
    size: str = "auto"
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    steps: Annotated[int, Field(ge=LEAST_STEPS, le=MAX_STEPS)] | None = None
    num_inference_steps: Annotated[int, Field(ge=LEAST_STEPS, le=MAX_STEPS)] | None = None
    guidance_scale: Annotated[float, Field(ge=0, le=100)] | None = None
    true_cfg_scale: Annotated[float, Field(ge=0, le=100)] | None = None
    negative_prompt: Annotated[str, Field(max_length=MAX_PROMPT)] | None = None
    response_format: str = "b64_json"
    output_format: OutputFormat = OutputFormat.PNG
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    background: Background = Background.AUTO
    stream: bool = False

    @field_validator("n", "size", "response_format", "output_format", "background", "stream", mode="before")
    @classmethod
    def _null_is_the_default(cls, value: object, info: Any) -> object:
        return cls.model_fields[info.field_name].default if value is None else value

    @model_validator(mode="after")
    def _only_what_can_be_honoured(self) -> Self:
        if self.stream:
            raise Unsupported("cannot stream pictures; leave stream out", param="stream")
        if self.response_format != "b64_json":
            raise Unsupported(
                f"cannot answer with {self.response_format}: pictures are not kept here; use b64_json",
                param="response_format",
            )
        if self.background is Background.TRANSPARENT and self.output_format is OutputFormat.JPEG:
            raise Unsupported("cannot make a transparent jpeg; use png or webp", param="background")
        return self

    @property
    def asked_steps(self) -> int | None:
        return self.num_inference_steps or self.steps

    @property
    def asked_guidance(self) -> float | None:
        return self.guidance_scale if self.true_cfg_scale is None else self.true_cfg_scale
