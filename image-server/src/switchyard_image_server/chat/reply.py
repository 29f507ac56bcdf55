"""OpenAI's shapes for an answer, whole or in chunks. Pure."""

from dataclasses import dataclass
from typing import Any

from switchyard_image_server.chat.events import Finished


@dataclass(frozen=True, slots=True)
class Reply:
    """What all parts of one answer share: clients check that id and time stay the same."""

    id: str
    created: int
    model: str
    with_usage: bool = False

    def whole(self, text: str, end: Finished) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": str(end.reason)}
        return self._of("chat.completion", [choice]) | {"usage": usage(end)}

    def opening(self) -> dict[str, Any]:
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, text: str) -> dict[str, Any]:
        return self._chunk({"content": text})

    def closing(self, end: Finished) -> list[dict[str, Any]]:
        """The chunk with the reason and, if the client asked for it, one with the usage and nothing else."""
        chunks = [self._chunk({}, finish_reason=str(end.reason))]
        if self.with_usage:
            chunks.append(self._of("chat.completion.chunk", []) | {"usage": usage(end)})
        return chunks

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = self._of("chat.completion.chunk", [choice])
        return chunk | {"usage": None} if self.with_usage else chunk

    def _of(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices}


def usage(end: Finished) -> dict[str, int]:
    return {
        "prompt_tokens": end.prompt_tokens,
        "completion_tokens": end.completion_tokens,
        "total_tokens": end.prompt_tokens + end.completion_tokens,
    }
