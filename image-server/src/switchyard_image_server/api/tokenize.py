"""`POST /v1/tokenize`: how many tokens a prompt has, and what they come from. Nothing is decoded or generated.

The answer has vLLM's fields (`count`, `max_model_len`, `tokens`), and ours beside them.
"""

import asyncio
from typing import Annotated, Any, Self

from fastapi import APIRouter
from pydantic import Field, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from switchyard_image_server.api.body import read_body
from switchyard_image_server.api.openapi import PROMPT, answers, json_body
from switchyard_image_server.chat import budget
from switchyard_image_server.chat.conversation import read_conversation
from switchyard_image_server.chat.counted import Counted, CountedItem, ItemKind
from switchyard_image_server.chat.habits import habits_of, with_effort
from switchyard_image_server.chat.protocol import Talks
from switchyard_image_server.chat.request import ChatRequest, Message
from switchyard_image_server.errors import InvalidValue, MissingParameter, Unsupported, WrongEndpoint
from switchyard_image_server.media.videos import Sampling
from switchyard_image_server.parts import Parts


class TokenizeRequest(ChatRequest):
    """A chat request, or bare text. Fields that concern the answer are read as there, and change nothing."""

    messages: Annotated[list[Message], Field(min_length=1)] | None = None  # type: ignore[assignment]  # or `prompt`
    prompt: str | None = None
    add_special_tokens: bool | None = None
    return_token_strs: bool | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.prompt is None and self.messages is None:
            raise MissingParameter("cannot count without messages or prompt; add one", param="messages")
        if self.prompt is not None and self.messages is not None:
            raise InvalidValue("cannot count both messages and prompt; send one", param="prompt")
        for name, usual in _USUAL.items():
            if getattr(self, name) not in (None, usual):
                raise Unsupported(f"cannot count with {name}={not usual}; leave it out", param=name)
        return self


# A prompt is counted as it would be answered.
_USUAL = {
    "add_special_tokens": False,
    "return_token_strs": False,
}


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()

    async def tokenize(request: Request) -> Response:
        asked = await read_body(request, TokenizeRequest)
        model = parts.engine.model_named(asked.model)
        if model.kind == "image":
            raise WrongEndpoint(
                f"cannot count for {parts.engine.name}: it makes images; its replies have usage", param="model"
            )
        if asked.prompt is not None:
            tokens = await asyncio.to_thread(model.counter.text, asked.prompt)
            counted = Counted((CountedItem(ItemKind.TEXT, len(tokens)),), model.context)
        else:
            counted, tokens = await _prompt(parts, model, asked)
        # A long prompt is a million numbers: not on the loop.
        return await asyncio.to_thread(JSONResponse, _told(counted, tokens, parts))

    for path in ("/v1/tokenize", "/tokenize"):  # the second is vLLM's
        router.add_api_route(
            path,
            tokenize,
            methods=["POST"],
            summary="Count a prompt's tokens",
            openapi_extra=json_body(TokenizeRequest),
            responses=answers(*PROMPT),
            include_in_schema=path.startswith("/v1"),
        )
    return router


async def _prompt(parts: Parts, model: Talks, asked: ChatRequest) -> tuple[Counted, list[int]]:
    settings = parts.settings.model
    asked = with_effort(asked, habits_of(model.template))
    conversation = await read_conversation(
        asked,
        parts.media,
        sees=model.kind == "vision",
        labels=parts.settings.labels,
        sampling=Sampling(settings.video_fps, settings.max_video_frames),
    )
    return await asyncio.to_thread(model.counter.spell, asked, conversation)


def _told(counted: Counted, tokens: list[int], parts: Parts) -> dict[str, Any]:
    budgets = parts.settings.budget
    return {
        "count": counted.total,
        "max_model_len": counted.context,
        "tokens": tokens,
        "total": counted.total,
        "context": counted.context,
        "remaining": max(counted.context - counted.total, 0),
        "fits": budget.refusal(counted, None) is None,
        "level": budget.level(counted.total, budgets),
        "warning_above": budgets.warning,
        "critical_above": budgets.critical,
        "items": [_item(item) for item in counted.items],
    }


def _item(item: CountedItem) -> dict[str, Any]:
    known = {
        "type": item.kind,
        "tokens": item.tokens,
        "param": item.param,
        "label": item.label,
        "width": item.width,
        "height": item.height,
        "frames": item.frames,
    }
    return {name: value for name, value in known.items() if value is not None}
