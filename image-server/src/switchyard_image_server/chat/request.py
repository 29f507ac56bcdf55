"""The body of `POST /v1/chat/completions`, as far as it is understood. Unknown fields are ignored, as OpenAI's
clients expect; a known field that cannot be honoured is refused, never dropped in silence.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from switchyard_image_server.errors import Unsupported

MAX_STOPS = 4
Limit = Annotated[int, Field(ge=1, le=10_000_000)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ImageUrl(_Body):
    url: str


class Part(_Body):
    """One piece of a message. Which fields it needs depends on its type; `conversation` reads them."""

    type: str
    text: str | None = None
    image_url: str | ImageUrl | None = None


class Message(_Body):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None


class StreamOptions(_Body):
    include_usage: bool = False


class ResponseFormat(_Body):
    type: str = "text"


class ChatRequest(_Body):
    messages: Annotated[list[Message], Field(min_length=1)]
    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: Limit | None = None
    max_completion_tokens: Limit | None = None
    min_tokens: Annotated[int, Field(ge=0)] = 0
    temperature: Annotated[float, Field(ge=0, le=10)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=-1)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=MAX_STOPS)] = []
    n: int | None = None
    logprobs: bool | None = None
    logit_bias: dict[str, float] | None = None
    modalities: list[str] | None = None
    response_format: ResponseFormat | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    chat_template_kwargs: dict[str, Any] = {}
    ignore_eos: bool = False

    @field_validator("stop", mode="before")
    @classmethod
    def _one_stop_is_a_list_of_one(cls, value: object) -> object:
        return [] if value is None else [value] if isinstance(value, str) else value

    @field_validator("min_tokens", "stream", "ignore_eos", "chat_template_kwargs", mode="before")
    @classmethod
    def _null_is_the_default(cls, value: object, info: Any) -> object:
        return cls.model_fields[info.field_name].default if value is None else value

    @model_validator(mode="after")
    def _only_what_can_be_honoured(self) -> Self:
        if self.n not in {None, 1}:
            raise Unsupported(f"cannot give {self.n} answers at once; leave n out, or ask again", param="n")
        if self.logprobs:
            raise Unsupported("cannot give log probabilities; leave logprobs out", param="logprobs")
        if self.logit_bias:
            raise Unsupported("cannot favour single tokens; leave logit_bias out", param="logit_bias")
        if self.modalities not in (None, [], ["text"]):
            raise Unsupported("cannot answer in anything but text; leave modalities out", param="modalities")
        if self.response_format is not None and self.response_format.type != "text":
            raise Unsupported(
                f"cannot hold the answer to {self.response_format.type}; leave response_format out",
                param="response_format",
            )
        if isinstance(self.tool_choice, dict) or self.tool_choice == "required":
            raise Unsupported("cannot force a tool call; use tool_choice auto or none", param="tool_choice")
        return self

    @property
    def answer_limit(self) -> int | None:
        """The newer name wins where both are given."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def offered_tools(self) -> list[dict[str, Any]] | None:
        return None if self.tool_choice == "none" else self.tools or None

    @property
    def wants_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage
