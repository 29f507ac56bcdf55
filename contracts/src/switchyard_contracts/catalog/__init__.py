"""The catalog: the typed content of `models.json`. Pure: text in, types or faults out; no I/O.

fields, engine_args, model, settings   the types, as the operator reads them
json_text, shape, entries              from text to types, each fault with its place
*_rules                                what must hold beyond the shape
reading, schema                        read_catalog, catalog_schema
"""

from switchyard_contracts.catalog.engine_args import ContainerArgs, EngineArgs, ImageServerArgs, VllmArgs
from switchyard_contracts.catalog.faults import CatalogRefused, Fault
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
    "Settings",
    "SleepPolicy",
    "VllmArgs",
    "catalog_schema",
    "read_catalog",
]
