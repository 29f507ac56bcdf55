"""A pipeline for one call: a scheduler of its own, and modules that are shared with every other.

Not by `from_pipe`: that casts the shared modules to one number format, float32 unless told otherwise.
"""

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers

# isort: split
import diffusers


def light_pipeline(base: Any, class_name: str, schedule: Mapping[str, object]) -> Any:
    """Of this class, whatever the class of `base`. `schedule` overrides the scheduler's configuration."""
    scheduler = type(base.scheduler).from_config(base.scheduler.config, **schedule)
    if type(base).__name__ == class_name:
        pipeline = copy.copy(base)
    else:
        kind = getattr(diffusers, class_name)
        pipeline = kind(**parts_for(kind, base))
        pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = scheduler
    return pipeline


def parts_for(kind: Any, base: Any) -> dict[str, Any]:
    """What this class is made of. Raises `LookupError` where `base` does not have it."""
    parts = {}
    for name, parameter in inspect.signature(kind.__init__).parameters.items():
        if name == "self":
            continue
        if name in vars(base):
            parts[name] = vars(base)[name]
        elif name in base.config:
            parts[name] = base.config[name]
        elif parameter.default is inspect.Parameter.empty:
            raise LookupError(f"{type(base).__name__} has no {name} for {kind.__name__}")
    return parts
