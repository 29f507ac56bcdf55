"""OpenAI's shapes for an answer, whole or in chunks. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from switchyard_image_server.chat.counted import Counted, ItemKind
from switchyard_image_server.chat.events import Finished, TokenOdds
from switchyard_image_server.chat.voice import Called, Heard, Said, Thought, Words


@dataclass(frozen=True, slots=True)
class Reply:
    """What all parts of one answer share: clients check that id and time stay the same."""

    id: str
    created: int
    model: str
    with_usage: bool = False
    with_odds: bool = False
    counted: Counted | None = field(default=None, repr=False)

    def whole(
        self, choices: Sequence[tuple[Heard, str]], end: Finished, thought_tokens: int = 0
    ) -> dict[str, Any]:
        told = [self._choice(index, heard, reason) for index, (heard, reason) in enumerate(choices)]
        return self._of("chat.completion", told) | {"usage": self.usage(end, thought_tokens)}

    def opening(self, index: int = 0) -> dict[str, Any]:
        return self._chunk(index, {"role": "assistant", "content": ""})

    def said(self, index: int, said: Said, odds: Sequence[TokenOdds] = ()) -> list[dict[str, Any]]:
        match said:
            case Thought(text):
                return [self._chunk(index, {"reasoning_content": text}, odds)]
            case Words(text):
                return [self._chunk(index, {"content": text}, odds)]
            case Called(number, call):
                named = self._call(index, said) | {"function": {"name": call.name, "arguments": ""}}
                argued = {"index": number, "function": {"arguments": call.arguments}}
                return [
                    self._chunk(index, {"tool_calls": [{"index": number} | named]}, odds),
                    self._chunk(index, {"tool_calls": [argued]}),
                ]

    def ending(self, index: int, reason: str, odds: Sequence[TokenOdds] = ()) -> dict[str, Any]:
        return self._chunk(index, {}, odds, reason)

    def closing(self, end: Finished, thought_tokens: int = 0) -> dict[str, Any] | None:
        """The chunk with the usage and nothing else, if the client asked for it."""
        if not self.with_usage:
            return None
        return self._of("chat.completion.chunk", []) | {"usage": self.usage(end, thought_tokens)}

    def usage(self, end: Finished, thought_tokens: int = 0) -> dict[str, Any]:
        told: dict[str, Any] = {
            "prompt_tokens": end.prompt_tokens,
            "completion_tokens": end.completion_tokens,
            "total_tokens": end.prompt_tokens + end.completion_tokens,
        }
        if (parts := self._prompt_parts(end)) is not None:
            told["prompt_tokens_details"] = parts
        if thought_tokens:
            told["completion_tokens_details"] = {"reasoning_tokens": thought_tokens}
        return told

    def _prompt_parts(self, end: Finished) -> dict[str, int] | None:
        """Told where there is more than text, and it was read as it was counted."""
        if self.counted is None or self.counted.total != end.prompt_tokens:
            return None
        sums = {kind: sum(item.tokens for item in self.counted.items if item.kind is kind) for kind in ItemKind}
        if sums[ItemKind.TEXT] == end.prompt_tokens:
            return None
        return {f"{kind}_tokens": count for kind, count in sums.items()}

    def _choice(self, index: int, heard: Heard, reason: str) -> dict[str, Any]:
        words = "".join(heard.words)
        # With calls and no words, OpenAI says null; without either, clients expect text.
        content = words or (None if heard.calls else "")
        # openai-node declares `refusal` as always there.
        message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
        if heard.thoughts:
            message["reasoning_content"] = "".join(heard.thoughts)
        if heard.calls:
            message["tool_calls"] = [self._whole_call(index, called) for called in heard.calls]
        odds = self._odds(heard.odds) if self.with_odds else None
        return {"index": index, "message": message, "logprobs": odds, "finish_reason": reason}

    def _call(self, index: int, called: Called) -> dict[str, Any]:
        return {"id": f"call_{self.id.rpartition('-')[2]}_{index}_{called.number}", "type": "function"}

    def _whole_call(self, index: int, called: Called) -> dict[str, Any]:
        function = {"name": called.call.name, "arguments": called.call.arguments}
        return self._call(index, called) | {"function": function}

    def _chunk(
        self,
        index: int,
        delta: dict[str, Any],
        odds: Sequence[TokenOdds] = (),
        finish_reason: str | None = None,
    ) -> dict[str, Any]:
        told = self._odds(odds) if self.with_odds and odds else None
        choice = {"index": index, "delta": delta, "logprobs": told, "finish_reason": finish_reason}
        chunk = self._of("chat.completion.chunk", [choice])
        return chunk | {"usage": None} if self.with_usage else chunk

    def _odds(self, odds: Sequence[TokenOdds]) -> dict[str, Any]:
        content = [
            _told_odds(one) | {"top_logprobs": [_told_odds(rival) for rival in one.rivals]} for one in odds
        ]
        return {"content": content, "refusal": None}

    def _of(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices}


def _told_odds(one: TokenOdds) -> dict[str, Any]:
    return {"token": one.text, "logprob": one.logprob, "bytes": list(one.bytes)}
