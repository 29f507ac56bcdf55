"""What the model can do, as `/v1/models` and `/v1/status` tell it. Pure."""

from typing import Any

from switchyard_image_server.chat.habits import habits_of
from switchyard_image_server.chat.protocol import Talks
from switchyard_image_server.engine import Model


def abilities_of(model: Model) -> dict[str, Any]:
    return model.facts.told() if model.kind == "image" else _of_words(model)


def _of_words(model: Talks) -> dict[str, Any]:
    sees, habits = model.kind == "vision", habits_of(model.template)
    return {
        "images": sees,
        "videos": sees,
        "tools": habits.calls is not None,
        "thinking": habits.thinks,
        "thinking_can_be_switched_off": habits.hushes,
        "response_formats": ["text", "json_object", "json_schema"],
        "context": model.context,
        "concurrent_answers": model.concurrency,
    }
