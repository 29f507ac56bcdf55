"""The body of `POST /v1/chat/completions`, as far as it is understood. Unknown fields are ignored, as OpenAI's
clients expect; a known field that cannot be honoured is refused, never dropped in silence.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from switchyard_image_server.errors import InvalidValue, Unsupported

MAX_STOPS = 4
MAX_CHOICES = 8
MAX_RIVALS = 20
MAX_NAME = 512  # of a user
Limit = Annotated[int, Field(ge=1, le=10_000_000)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Address(_Body):
    url: str


class Part(_Body):
    """One piece of a message. Which fields it needs depends on its type; `conversation` reads them.

    `image`, `video`, `data` and `b64_json` are other clients' ways to bring a picture or a video: an address,
    or bare base64. `label` is what it is called in the prompt.
    """

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | Address | None = None
    video_url: str | Address | None = None
    input_image: str | Address | dict[str, Any] | None = None
    input_video: str | Address | dict[str, Any] | None = None
    image: str | None = None
    video: str | None = None
    data: str | None = None
    b64_json: str | None = None
    label: Annotated[str, Field(max_length=200)] | None = None


def _kind_of_content(value: object) -> str:
    return "[text]" if isinstance(value, str) else "[parts]"


# Told apart first, so that a fault in a part is told of that part. The tags are no names of fields.
_Content = Annotated[
    Annotated[str, Tag("[text]")] | Annotated[list[Part], Tag("[parts]")], Discriminator(_kind_of_content)
]


class Message(_Body):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: _Content | None = None
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None
    reasoning_content: Annotated[
        str | None, Field(validation_alias=AliasChoices("reasoning_content", "reasoning"))
    ] = None


class StreamOptions(_Body):
    include_usage: bool = False


class JsonSchema(_Body):
    name: str = ""
    schema_: dict[str, Any] | bool | None = Field(None, alias="schema")
    strict: bool | None = None


class ResponseFormat(_Body):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None


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
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.01, le=10)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=MAX_STOPS)] = []
    n: Annotated[int, Field(ge=1, le=MAX_CHOICES)] = 1
    logprobs: bool = False
    top_logprobs: Annotated[int, Field(ge=0, le=MAX_RIVALS)] | None = None
    logit_bias: Annotated[dict[int, Annotated[float, Field(ge=-100, le=100)]], Field(max_length=1024)] = {}
    modalities: list[str] | None = None
    response_format: ResponseFormat | None = None
    functions: list[Any] | None = None
    web_search_options: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    chat_template_kwargs: dict[str, Any] = {}
    ignore_eos: bool = False
    labels: bool | None = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None
    user: Annotated[str, Field(max_length=MAX_NAME)] | None = None

    @field_validator("stop", mode="before")
    @classmethod
    def _one_stop_is_a_list_of_one(cls, value: object) -> object:
        return [] if value is None else [value] if isinstance(value, str) else value

    @field_validator(
        *("min_tokens", "stream", "ignore_eos", "chat_template_kwargs", "n", "logprobs", "logit_bias"),
        mode="before",
    )
    @classmethod
    def _null_is_the_default(cls, value: object, info: Any) -> object:
        return cls.model_fields[info.field_name].default if value is None else value

    @model_validator(mode="after")
    def _only_what_can_be_honoured(self) -> Self:
        if self.modalities not in (None, [], ["text"]):
            raise Unsupported("cannot answer in anything but text; leave modalities out", param="modalities")
        if self.functions:
            raise Unsupported(
                "cannot offer functions in OpenAI's old way; send them as tools", param="functions"
            )
        if self.web_search_options is not None:
            raise Unsupported("cannot search the web; leave web_search_options out", param="web_search_options")
        self._check_continuing()
        return self

    def _check_continuing(self) -> None:
        """As vLLM has it: whoever continues says both."""
        if not self.continue_final_message:
            if self.add_generation_prompt is False:
                raise Unsupported(
                    "cannot answer without a generation prompt, but by continue_final_message; leave"
                    " add_generation_prompt out",
                    param="add_generation_prompt",
                )
            return
        if self.add_generation_prompt is not False:
            raise InvalidValue(
                "cannot begin a new message and continue the last one; set add_generation_prompt to false",
                param="add_generation_prompt",
            )
        if self.response_format is not None and self.response_format.type != "text":
            raise Unsupported(
                "cannot hold the rest of a message to a form; leave response_format out",
                param="response_format",
            )
        if self.tool_choice not in (None, "auto", "none"):
            raise Unsupported(
                "cannot make the rest of a message a tool call; leave tool_choice out", param="tool_choice"
            )

    @property
    def continues(self) -> bool:
        """Whether the last message is an answer that broke off, and its rest is wanted."""
        return bool(self.continue_final_message)

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
