"""What the proxy is told of a catalog: `Serving` for each model, `Routing` for all. Pure."""

from switchyard_contracts.catalog.model import Capability, Model, ModelType
from switchyard_contracts.catalog.serving_fields import RequestChanges
from switchyard_contracts.catalog.settings import Catalog
from switchyard_contracts.serving import Rewrite, Routing, Serving, Variant, Virtual, Vision


def sees(model: Model) -> bool:
    """Whether pictures may be shown to it."""
    return model.type is ModelType.VISION or Capability.VISION in model.capabilities


def lora_name(model: Model, variant: str) -> str:
    """Under which a model's engine serves one of its adapters: the name that clients use."""
    return f"{model.name}:{variant}"


def serving_of(model: Model, vision: Vision) -> Serving:
    """`vision` is what its processor does as far as anybody knows; what the catalog says goes before."""
    said = model.vision.model_dump(exclude_none=True) if model.vision else {}
    return Serving(
        max_concurrency=model.max_concurrency,
        max_queue=model.max_queue,
        rewrite=_rewrite(model.request),
        variants={
            name: Variant(
                rewrite=_rewrite(variant.request),
                aliases=variant.aliases,
                served_as=lora_name(model, name) if variant.lora else None,
                description=variant.description,
            )
            for name, variant in model.variants.items()
        },
        fallbacks=model.fallbacks,
        vision=vision.model_copy(update=said) if sees(model) else None,
        commit_after_s=model.commit_after_s,
        heartbeat_s=model.heartbeat_s,
    )


def routing_of(catalog: Catalog) -> Routing:
    return Routing(
        default_model=catalog.default_model,
        virtual=tuple(
            Virtual(
                name=name,
                candidates=virtual.candidates,
                prefer=virtual.prefer,
                description=virtual.description,
            )
            for name, virtual in catalog.virtual.items()
        ),
    )


def _rewrite(changes: RequestChanges) -> Rewrite:
    return Rewrite(strip=changes.strip, default=changes.default, set=changes.set)
