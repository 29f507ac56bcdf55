"""The catalog: the typed content of `models.json`. Pure: text in, types or faults out; no I/O.

fields, engine_args, serving_fields, model, settings   the types, as the operator reads them
json_text, shape, entries              from text to types, each fault with its place
*_rules                                what must hold beyond the shape
reading, schema                        read_catalog, catalog_schema
handing_on                             what the proxy is told of it
"""

from switchyard_contracts.catalog.engine_args import ContainerArgs, EngineArgs, ImageServerArgs, VllmArgs
from switchyard_contracts.catalog.faults import CatalogRefused, Fault
from switchyard_contracts.catalog.handing_on import routing_of, sees, serving_of
from switchyard_contracts.catalog.model import (
    Capability,
    Defaults,
    Engine,
    Model,
    ModelType,
    Mount,
    SleepPolicy,
)
from switchyard_contracts.catalog.reading import read_catalog
from switchyard_contracts.catalog.schema import catalog_schema
from switchyard_contracts.catalog.serving_fields import (
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
    "GpuOverride",
    "ImageServerArgs",
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
    "catalog_schema",
    "read_catalog",
    "routing_of",
    "sees",
    "serving_of",
]
