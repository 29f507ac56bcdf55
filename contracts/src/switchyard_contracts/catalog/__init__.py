"""The catalog: the typed content of `models.json`. Pure: text in, types or faults out; no I/O.

fields, engine_args, serving_fields, model, settings   the types, as the operator reads them
families, manners                      how a family of language models calls tools, thinks, embeds
json_text, shape, entries              from text to types, each fault with its place
*_rules                                what must hold beyond the shape
reading, schema                        read_catalog, catalog_schema
handing_on                             what the proxy is told of it
"""

from switchyard_contracts.catalog.engine_args import ContainerArgs, EngineArgs, ImageServerArgs, VllmArgs
from switchyard_contracts.catalog.faults import CatalogRefused, Fault
from switchyard_contracts.catalog.handing_on import lora_name, routing_of, sees, serving_of
from switchyard_contracts.catalog.manners import Files, Manner, manner_of
from switchyard_contracts.catalog.model import (
    Capability,
    Defaults,
    Engine,
    Model,
    ModelType,
    Mount,
    SleepPolicy,
    args_as_written,
    manner_in,
    settle,
)
from switchyard_contracts.catalog.reading import read_catalog
from switchyard_contracts.catalog.schema import catalog_schema
from switchyard_contracts.catalog.serving_fields import (
    Lora,
    Names,
    RequestChanges,
    Variant,
    VirtualModel,
    VisionOverride,
)
from switchyard_contracts.catalog.settings import Catalog, GpuOverride, Settings

__all__ = [
    "Capability",
    "Catalog",
    "CatalogRefused",
    "ContainerArgs",
    "Defaults",
    "Engine",
    "EngineArgs",
    "Fault",
    "Files",
    "GpuOverride",
    "ImageServerArgs",
    "Lora",
    "Manner",
    "Model",
    "ModelType",
    "Mount",
    "Names",
    "RequestChanges",
    "Settings",
    "SleepPolicy",
    "Variant",
    "VirtualModel",
    "VisionOverride",
    "VllmArgs",
    "args_as_written",
    "catalog_schema",
    "lora_name",
    "manner_in",
    "manner_of",
    "read_catalog",
    "routing_of",
    "sees",
    "serving_of",
    "settle",
]
