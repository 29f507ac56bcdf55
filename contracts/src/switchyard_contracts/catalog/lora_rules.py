"""What must hold for LoRA adapters: each has one place, and an engine that can serve it beside its model."""

from collections.abc import Iterator

from switchyard_contracts.catalog.engine_args import VllmArgs
from switchyard_contracts.catalog.entries import Entry
from switchyard_contracts.catalog.faults import Found, Place
from switchyard_contracts.catalog.model import Engine
from switchyard_contracts.catalog.paths import path_fault
from switchyard_contracts.catalog.serving_fields import Lora


def lora_faults(entry: Entry) -> Iterator[Found]:
    adapters = {name: variant.lora for name, variant in entry.own.variants.items() if variant.lora is not None}
    for name, lora in adapters.items():
        place = entry.at("variants", name, "lora")
        if entry.engine_is_known and entry.own.engine is not Engine.VLLM:
            yield place, f"cannot serve a LoRA adapter with the engine {entry.own.engine}; only vllm can"
        else:
            yield from _place_faults(lora, place)
    args = entry.own.engine_args
    if adapters or not isinstance(args, VllmArgs):
        return
    for field in ("max_lora_rank", "max_loras"):
        if getattr(args, field) is not None:
            what = f"cannot use '{field}' without an adapter"
            yield (
                entry.at("engine_args", field),
                f'{what}; remove it, or add one: "variants": {{"x": {{"lora": …}}}}',
            )


def _place_faults(lora: Lora, place: Place) -> Iterator[Found]:
    if lora.repo is None and lora.path is None:
        yield place, "cannot load an adapter from nowhere; add 'repo' (on the Hub) or 'path' (a folder)"
    elif lora.repo is not None and lora.path is not None:
        yield (*place, "path"), "cannot use both repo and path; remove one of them"
    elif lora.revision is not None and lora.repo is None:
        what = "cannot use a revision of a folder; remove it, or write 'repo' for 'path'"
        yield (*place, "revision"), what
    if lora.path is not None and (why := path_fault(lora.path)):
        yield (*place, "path"), why
