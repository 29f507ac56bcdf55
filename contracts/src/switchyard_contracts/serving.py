"""How a proxy is to serve a model: limits, changes to requests, and the names that lead to it. Values only.

The catalog says it, the manager hands it on with each model's status, the proxy does it.
"""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, JsonValue

# Virtual models of all that can do what is asked, unless the catalog has such names.
BUILT_IN = ("auto", "auto:warm")
FROZEN = ConfigDict(frozen=True, extra="forbid")


class Rewrite(BaseModel):
    """Changes to a request's top-level fields, done in this order: strip, default, set.

    Objects are merged key by key; everything else is replaced whole.
    """

    model_config = FROZEN

    strip: tuple[str, ...] = ()
    default: Mapping[str, JsonValue] = {}  # where the client says nothing
    set: Mapping[str, JsonValue] = {}  # whatever the client says


class Variant(BaseModel):
    """A name of its own, `model:variant`, for a model with further changes, done after the model's own."""

    model_config = FROZEN

    rewrite: Rewrite = Rewrite()
    aliases: tuple[str, ...] = ()
    served_as: str | None = (
        None  # the engine's own name for it, where it knows it apart from the model: a LoRA's
    )
    description: str | None = None


class Vision(BaseModel):
    """What a vision model's processor does to pictures and videos: all that counting their tokens needs."""

    model_config = FROZEN

    patch: int = 16
    merge: int = 2
    image_min_pixels: int = 65_536
    image_max_pixels: int = 16_777_216
    video_min_pixels: int = 4_096
    video_max_pixels: int = 25_165_824
    temporal_patch: int = 2
    fps: float = 2.0
    min_frames: int = 4
    max_frames: int = 768
    cap_pixels_per_frame: bool = False
    max_video_tokens: int = 768
    timestamp_tokens: int = 8  # about, per group of frames: the tokenizer is not ours


class Serving(BaseModel):
    """All of it, for one model."""

    model_config = FROZEN

    max_concurrency: int | None = None
    max_queue: int = 100
    rewrite: Rewrite = Rewrite()
    variants: Mapping[str, Variant] = {}
    fallbacks: tuple[str, ...] = ()  # models to ask instead when this one cannot be loaded
    vision: Vision | None = None
    commit_after_s: float | None = None  # else the proxy's own
    heartbeat_s: float | None = None


class Prefer(StrEnum):
    """Which of a virtual model's candidates answers."""

    ORDER = "order"
    WARM = "warm"


class Virtual(BaseModel):
    """A name that stands for the best of several models at the moment of the request."""

    model_config = FROZEN

    name: str
    candidates: tuple[str, ...]
    prefer: Prefer = Prefer.WARM
    description: str | None = None


class Routing(BaseModel):
    """What holds for all models of a manager together."""

    model_config = FROZEN

    default_model: str | None = None  # for a request that names none
    virtual: tuple[Virtual, ...] = ()
