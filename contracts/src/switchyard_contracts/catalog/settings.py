"""What `models.json` says about the whole: settings and GPU overrides; and the catalog that results."""

from collections.abc import Mapping

from pydantic import BaseModel, Field

from switchyard_contracts.catalog.fields import (
    FROZEN,
    Device,
    Flag,
    GpuUuid,
    Mib,
    ReserveMib,
    Seconds,
    SecondsOrNone,
    Text,
)
from switchyard_contracts.catalog.model import Model
from switchyard_contracts.catalog.serving_fields import VirtualModel


class Settings(BaseModel):
    """Numbers that hold for all models together."""

    model_config = FROZEN

    vram_reserve_mib: ReserveMib = Field(
        512,
        description="Memory left free on every GPU, in MiB, for the desktop and for what cannot be foreseen.",
    )
    ram_reserve_mib: ReserveMib = Field(
        2048, description="RAM of this machine left free, in MiB, before sleeping models are stopped."
    )
    max_wait_s: Seconds = Field(
        120, description="Seconds after which a waiting model gets its turn, however busy the loaded one is."
    )
    min_resident_s: SecondsOrNone = Field(
        30, description="Seconds that a model just loaded stays before it may be moved out. Below `max_wait_s`."
    )
    ageing_s: Seconds = Field(
        30,
        description="Seconds of waiting that count as much as one step of `priority`, so that nobody starves.",
    )
    load_cancel_grace_s: SecondsOrNone = Field(
        30,
        description="Seconds a load goes on after its last client left, when another model wants the room.",
    )


class GpuOverride(BaseModel):
    """What to believe about one GPU, in place of what its driver says."""

    model_config = FROZEN

    uuid: GpuUuid = Field(description="The GPU, by UUID.")
    name: Text | None = Field(None, description="What to call it.")
    vram_mib: Mib | None = Field(
        None, description="Its memory in MiB, where the driver cannot tell or tells wrong."
    )
    reserve_mib: ReserveMib | None = Field(
        None, description="Memory left free on it, in MiB, in place of `settings.vram_reserve_mib`."
    )
    devices: tuple[Device, ...] | None = Field(
        None,
        description="Device files that a container on this GPU is given. Left out: NVIDIA's driver hands the "
        "GPU out; write them for a GPU of another maker, or `[]` for a card that is only reckoned with.",
    )
    use: Flag = Field(default=True, description="Whether Switchyard may use it at all.")


class Catalog(BaseModel):
    """The typed content of `models.json`. Made by `read_catalog`, which has checked it as a whole."""

    model_config = FROZEN

    models: Mapping[str, Model]
    settings: Settings = Settings()
    gpus: tuple[GpuOverride, ...] = ()
    default_model: str | None = None
    virtual: Mapping[str, VirtualModel] = {}

    def find(self, name_or_alias: str) -> Model | None:
        """The model of that name, else the one with that alias: a name always wins."""
        if found := self.models.get(name_or_alias):
            return found
        return next((model for model in self.models.values() if name_or_alias in model.aliases), None)
