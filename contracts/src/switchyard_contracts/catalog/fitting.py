"""Which field fits which model. A field written in an entry must fit; one from `defaults` is left out silently.

That is the one difference, and the reason why this stands apart from the rules.
"""

from switchyard_contracts.catalog.model import Capability, Engine, Model, ModelType

BEFORE_A_CONTAINER_IS_MADE = frozenset({"env", "mounts", "engine_args", "extra_args", "image"})
WEIGHTS = frozenset({"repo", "path", "revision"})


def misfit(field: str, model: Model) -> str | None:
    """Why a field does not fit a model, or `None` if it does."""
    is_container = model.engine is Engine.CONTAINER
    if model.container is not None and field in BEFORE_A_CONTAINER_IS_MADE:
        return f"cannot change the existing container {model.container}; remove '{field}' or 'container'"
    if is_container and field in WEIGHTS:
        return f"cannot give '{field}' to the engine container; remove it: a container brings its own weights"
    if field == "port" and not is_container:
        return (
            f"cannot choose the port of the engine {model.engine}; remove 'port': Switchyard picks a free one"
        )
    if field == "context_length" and model.type is ModelType.IMAGE:
        return "cannot limit the context of an image model; remove 'context_length'"
    if field == "vision" and model.type is not ModelType.VISION and Capability.VISION not in model.capabilities:
        return "cannot tell how a model sees that does not; remove 'vision', or add it to its capabilities"
    return None
