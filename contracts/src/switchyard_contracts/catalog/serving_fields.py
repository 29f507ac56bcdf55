"""What `models.json` says of how requests are served: changes to them, further names, what a model sees.

The types only, as the operator writes them; `handing_on` turns them into what the proxy is told.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema
from pydantic.config import JsonDict

from switchyard_contracts.catalog.fields import (
    COMMENT_PATTERN,
    FROZEN,
    NAME_PATTERN,
    Alias,
    Count,
    CountOrNone,
    Flag,
    Rate,
    Repo,
    Text,
)
from switchyard_contracts.serving import Prefer

# Any JSON will do, and nothing else comes out of the reader: pydantic need not look into it.
RequestFields = Annotated[Mapping[str, Any], WithJsonSchema({"type": "object"})]
NAMED: JsonDict = {
    "propertyNames": {"anyOf": [{"pattern": NAME_PATTERN}, {"pattern": COMMENT_PATTERN}]},
    "patternProperties": {COMMENT_PATTERN: True},
}


class RequestChanges(BaseModel):
    """Changes to the top-level fields of a JSON request, before the engine gets it."""

    model_config = FROZEN

    strip: tuple[Text, ...] = Field((), description="Fields that are taken out, whatever the client says.")
    default: RequestFields = Field(
        default_factory=dict,
        description="Fields that are added where the client says nothing. Objects are filled up key by key.",
    )
    set: RequestFields = Field(
        default_factory=dict,
        description="Fields that are written whatever the client says. Of objects, only the keys named here.",
    )


class Lora(BaseModel):
    """Where an adapter's weights are: in a repository on the Hub, or in a folder."""

    model_config = FROZEN

    repo: Repo | None = Field(None, description="Repository on the Hugging Face Hub that holds the adapter.")
    path: Text | None = Field(
        None, description="Folder that holds it, in any form that the `path` of a model takes."
    )
    revision: Text | None = Field(None, description="Branch, tag or commit of `repo`.")


class Variant(BaseModel):
    """A further name for a model, `model:variant`, that brings changes of its own."""

    model_config = FROZEN

    lora: Lora | None = Field(
        None,
        description="A LoRA adapter that answers requests for this name, beside the model and on the same "
        "engine. "
        "Only for the engine vllm.",
    )
    aliases: tuple[Alias, ...] = Field(
        (), description="Other names under which clients find the variant, beside `model:variant`."
    )

    request: RequestChanges = Field(
        default_factory=RequestChanges,
        description="Changes to requests for this name, made after those of the model; see below.",
    )
    description: Text | None = Field(None, description="A sentence for people who choose a model.")


class VirtualModel(BaseModel):
    """A name that stands for one of several models, chosen anew with each request."""

    model_config = FROZEN

    candidates: tuple[Alias, ...] = Field(
        description="The models to choose from, by name, alias or `model:variant`; the best one first."
    )
    prefer: Prefer = Field(
        Prefer.WARM,
        description='"warm" takes the first candidate that is loaded, else the first; "order" the first in any '
        "case. Candidates that cannot do what is asked are passed over.",
    )
    description: Text | None = Field(None, description="A sentence for people who choose a model.")


class VisionOverride(BaseModel):
    """What to believe about a vision model's processor, in place of what its files say."""

    model_config = FROZEN

    patch: Count | None = Field(None, description="Side of a patch, in pixels.")
    merge: Count | None = Field(None, description="Patches side by side that become one token.")
    image_min_pixels: Count | None = Field(None, description="Smaller pictures are enlarged to this area.")
    image_max_pixels: Count | None = Field(None, description="Larger pictures are reduced to this area.")
    video_min_pixels: Count | None = Field(None, description="Smaller videos are enlarged to this, all frames.")
    video_max_pixels: Count | None = Field(None, description="Larger videos are reduced to this, all frames.")
    temporal_patch: Count | None = Field(None, description="Frames of a video that become one group.")
    fps: Rate | None = Field(None, description="Frames taken from each second of a video.")
    min_frames: Count | None = Field(None, description="Frames taken from a video at least.")
    max_frames: Count | None = Field(None, description="Frames taken from a video at most.")
    cap_pixels_per_frame: Flag | None = Field(
        None, description="Whether each frame is held to `max_video_tokens`, too."
    )
    max_video_tokens: Count | None = Field(None, description="Tokens of one frame at most, with that cap.")
    timestamp_tokens: CountOrNone | None = Field(
        None, description="Tokens that tell the time of each group of frames, about."
    )


class Names(BaseModel):
    """What stands at the top of the file, beside the models, and leads to them."""

    model_config = FROZEN

    default_model: Alias | None = Field(
        None, description="The model for requests that name none: a name that clients could use, too."
    )
    virtual: Mapping[str, VirtualModel] = Field(
        default_factory=dict,
        description="Names that stand for one of several models, chosen anew with each request.",
        json_schema_extra=NAMED,
    )
