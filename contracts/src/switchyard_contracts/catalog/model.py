"""One model as the operator describes it: the types behind an entry of `models.json`.

A `Model` here is complete: what `defaults` says has been merged, and what follows from other fields (engine,
capabilities) has been filled in. Rules that span fields or models live in the checks, not here.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from switchyard_contracts.catalog.engine_args import ContainerArgs, EngineArgs, ImageServerArgs, VllmArgs
from switchyard_contracts.catalog.fields import (
    ENV_NAME_PATTERN,
    FROZEN,
    Alias,
    Argument,
    ContainerName,
    Count,
    CountOrNone,
    Flag,
    GpuUuid,
    Mib,
    Port,
    Priority,
    Repo,
    Seconds,
    SecondsOrNone,
    Text,
)
from switchyard_contracts.catalog.manners import NONE, Files, Manner, manner_of, ranks, settled
from switchyard_contracts.catalog.serving_fields import NAMED, RequestChanges, Variant, VisionOverride


class ModelType(StrEnum):
    """What a model works with."""

    TEXT = "text"
    VISION = "vision"
    IMAGE = "image"


class Engine(StrEnum):
    """The program that serves a model."""

    VLLM = "vllm"
    IMAGE_SERVER = "image-server"
    CONTAINER = "container"


class SleepPolicy(StrEnum):
    """Whether an idle model may give up its GPU memory without stopping."""

    AUTO = "auto"
    OFF = "off"


class Capability(StrEnum):
    """What a client may ask of a model."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    RERANK = "rerank"
    IMAGES = "images"
    IMAGE_EDITS = "image_edits"
    SPEECH = "speech"
    TRANSCRIPTIONS = "transcriptions"
    VISION = "vision"
    TOOLS = "tools"
    REASONING = "reasoning"


class Mount(BaseModel):
    """A folder or file of this machine that the engine sees."""

    model_config = FROZEN

    source: Text = Field(description="Path on this machine, in any form that `path` takes.")
    target: Text = Field(description="Absolute path inside the container.")
    read_only: Flag = Field(default=True, description="Whether the engine may only read it.")


class Defaults(BaseModel):
    """What may be said once, for every model that does not say it itself and that it fits."""

    model_config = FROZEN

    gpus: CountOrNone | tuple[GpuUuid, ...] | None = Field(
        None,
        description="How many GPUs, or exactly which, by UUID; 0 for none. Left out: one, "
        "or as many as the parallel sizes in `engine_args` ask for.",
    )
    context_length: Count | None = Field(
        None,
        description="Longest prompt and answer together, in tokens. Left out: what fits. Not for image models.",
    )
    env: Mapping[str, Argument] = Field(
        default_factory=dict,
        description="Environment variables of the engine. Those under `defaults` are added name by name.",
        json_schema_extra={"propertyNames": {"pattern": ENV_NAME_PATTERN}},
    )
    mounts: tuple[Mount, ...] = Field((), description="Folders and files of this machine that the engine sees.")
    idle_unload_s: Seconds | None = Field(
        900, description="Seconds without a request after which the model is unloaded; null for never."
    )
    pinned: Flag = Field(default=False, description="Whether the loaded model is never moved out for another.")
    priority: Priority = Field(0, description="Models with a higher number are served first when several wait.")
    startup_timeout_s: Seconds = Field(
        600, description="Seconds within which the engine must answer; a longer start counts as failed."
    )
    drain_limit_s: Seconds | None = Field(
        None,
        description="Seconds that running requests get to finish when the model must make room; "
        "null lets every one finish.",
    )
    sleep: SleepPolicy = Field(
        SleepPolicy.AUTO,
        description='"auto" keeps an unloaded model in RAM while there is room, so that it returns in seconds; '
        '"off" always stops it.',
    )
    max_concurrency: Count | None = Field(
        None, description="Requests sent to the engine at the same time at most; null for no limit."
    )
    max_queue: Count = Field(
        100, description="Requests that may wait for the model in the proxy; one more is refused."
    )
    commit_after_s: SecondsOrNone | None = Field(
        None,
        description="Seconds after which a streamed request that still waits is answered, and kept alive from "
        "then on. Left out: what the proxy is set to.",
    )
    heartbeat_s: Seconds | None = Field(
        None,
        description="Seconds between signs of life in a stream in which nothing else comes. Left out: what the "
        "proxy is set to.",
    )
    preload: Flag = Field(default=False, description="Whether the model is loaded before anyone asks.")


ARGS_OF: dict[Engine, type[VllmArgs] | type[ImageServerArgs] | type[ContainerArgs]] = {
    Engine.VLLM: VllmArgs,
    Engine.IMAGE_SERVER: ImageServerArgs,
    Engine.CONTAINER: ContainerArgs,
}


def default_engine(kind: ModelType, container: str | None) -> Engine:
    """An existing container serves itself; vLLM serves text; the image server serves what has pixels."""
    if container is not None:
        return Engine.CONTAINER
    return Engine.VLLM if kind is ModelType.TEXT else Engine.IMAGE_SERVER


def default_capabilities(
    kind: ModelType, args: EngineArgs, manner: Manner | None = None
) -> tuple[Capability, ...]:
    """What a model of this type can do, as far as its type and its flags tell, and what is known of its
    manner."""
    if kind is ModelType.IMAGE:
        return (Capability.IMAGES,)
    if isinstance(args, VllmArgs) and args.runner == "pooling":
        if ranks(args, manner or Manner()):
            return (Capability.RERANK,)
        return (Capability.EMBEDDINGS, Capability.RERANK)
    found = [Capability.CHAT]
    if not isinstance(args, ImageServerArgs):
        found.append(Capability.COMPLETIONS)
    if kind is ModelType.VISION:
        found.append(Capability.VISION)
    if isinstance(args, VllmArgs) and args.enable_auto_tool_choice:
        found.append(Capability.TOOLS)
    if isinstance(args, VllmArgs) and args.reasoning_parser not in {None, NONE}:
        found.append(Capability.REASONING)
    return tuple(found)


def _capabilities_by_name(data: Mapping[str, Any]) -> tuple[Capability, ...]:
    """As far as an entry tells; `settle` knows more where the model's files are at hand."""
    kind, args = data["type"], data["engine_args"]
    if not isinstance(args, VllmArgs):
        return default_capabilities(kind, args)
    manner = manner_of(data["repo"] or data["path"] or "")
    return default_capabilities(kind, settled(args, manner), manner)


class Model(Defaults):
    """A model. Its name is the key under which it stands."""

    name: Argument = Field(description="The name that clients use.")
    type: ModelType = Field(
        ModelType.TEXT,
        description="What the model works with. Needed, except beside `container`, where it is text.",
    )
    repo: Repo | None = Field(None, description="Repository on the Hugging Face Hub that holds the weights.")
    path: Text | None = Field(
        None,
        description="Folder that holds the weights: absolute, beginning with `~/`, relative to the folder of "
        "models.json, or `state:` and a folder inside Switchyard's state folder.",
    )
    revision: Text | None = Field(None, description="Branch, tag or commit of `repo`.")
    container: ContainerName | None = Field(
        None,
        description="An existing container to start, stop and route to; never created, changed or removed.",
    )
    image: Text | None = Field(
        None, description="Container image to run the engine from, in place of the engine's usual one."
    )
    port: Port | None = Field(
        None,
        description="Port on which a container answers: the one an existing container publishes on this "
        "machine, or the one inside a container made from `image`.",
    )
    engine: Engine = Field(
        default_factory=lambda data: default_engine(data["type"], data["container"]),
        description="The program that serves the model. Left out: `vllm` for text, `image-server` for vision "
        "and image, `container` beside the field of that name.",
    )
    engine_args: EngineArgs = Field(
        default_factory=lambda data: ARGS_OF[data["engine"]](), description="Flags of the engine; see below."
    )
    extra_args: tuple[Argument, ...] = Field(
        (),
        description="More flags, passed to the engine word by word; the only place for flags not listed here.",
    )
    vram_mib: Mib | None = Field(
        None,
        description="Memory the model takes on each GPU it uses, in MiB. Left out: what was measured when it "
        "last ran; before that, it gets its GPUs for itself.",
    )
    aliases: tuple[Alias, ...] = Field((), description="Other names under which clients find the model.")
    capabilities: tuple[Capability, ...] = Field(
        default_factory=_capabilities_by_name,
        description="What clients may ask of the model. Left out: what its type, its flags and its files tell.",
    )
    description: Text | None = Field(None, description="A sentence for people who choose a model.")
    request: RequestChanges = Field(
        default_factory=RequestChanges, description="Changes to the requests for the model; see below."
    )
    variants: Mapping[str, Variant] = Field(
        default_factory=dict,
        description="Further names, `model:variant`, each with changes of its own; see below.",
        json_schema_extra=NAMED,
    )
    fallbacks: tuple[Alias, ...] = Field(
        (),
        description="Models of the same type to ask instead, in this order, when this one cannot be loaded.",
    )
    vision: VisionOverride | None = Field(
        None,
        description="What the model's processor does to pictures and videos, to count their tokens before the "
        "engine sees them. Left out: what its files say. Only for models that see.",
    )

    @field_validator("engine_args", mode="before")
    @classmethod
    def _read_args_of_the_engine(cls, value: Any, info: ValidationInfo) -> Any:
        engine = info.data.get("engine")
        return ARGS_OF[engine].model_validate(value) if engine and isinstance(value, dict) else value


def manner_in(model: Model, files: Files | None = None) -> Manner:
    return manner_of(model.repo or model.path or "", files)


def args_as_written(model: Model) -> EngineArgs:
    """The flags, with what the entry itself says elsewhere: capabilities that only a pooling model has."""
    args = model.engine_args
    if not isinstance(args, VllmArgs) or "capabilities" not in model.model_fields_set:
        return args
    return settled(args, Manner(), model.capabilities)


def settle(model: Model, files: Files | None = None) -> Model:
    """The model with the flags and the capabilities that follow from its files, or from its name if there are
    none."""
    args = model.engine_args
    if not isinstance(args, VllmArgs):
        return model
    manner = manner_in(model, files)
    said = model.capabilities if "capabilities" in model.model_fields_set else ()
    whole = settled(args, manner, said)
    can = said or default_capabilities(model.type, whole, manner)
    return model.model_copy(update={"engine_args": whole, "capabilities": can})
