"""OpenAI's shape for finished pictures, with the seed of each. Pure."""

from typing import Any

from switchyard_image_server.images.events import Finished
from switchyard_image_server.images.order import Order
from switchyard_image_server.images.request import ImageRequest


def reply(
    request: ImageRequest, order: Order, encoded: list[tuple[str, int]], end: Finished, created: int
) -> dict[str, Any]:
    return {
        "created": created,
        "data": [{"b64_json": content, "seed": seed} for content, seed in encoded],
        "size": str(order.size),
        "output_format": str(request.output_format),
        "usage": {
            "input_tokens": end.prompt_tokens,
            "output_tokens": end.picture_tokens,
            "total_tokens": end.prompt_tokens + end.picture_tokens,
            "input_tokens_details": {"text_tokens": end.prompt_tokens, "image_tokens": 0},
        },
    }
