"""From a conversation to the tensors a model reads, through the model's own chat template.

User text is data: what looks like a control token in it is encoded as plain text (`sanitize_control_tokens`),
and `chat_template_kwargs` may set only variables that the template itself reads, because a processor takes
every other keyword for an option of its own.
"""

import re
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
from jinja2 import Environment, TemplateError, meta

from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.errors import InvalidValue

# Set by Transformers or by us.
_RESERVED = frozenset(
    {
        *("messages", "conversation", "tools", "documents", "chat_template", "tokenize", "return_tensors"),
        *("return_dict", "add_generation_prompt", "continue_final_message", "raise_exception", "strftime_now"),
        *("processor_kwargs", "sanitize_control_tokens", "images", "videos", "audio", "text"),
    }
)
_TRANSFORMERS_TAGS = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")


def template_variables(template: str) -> frozenset[str]:
    """What a client may set in this template."""
    environment = Environment(extensions=["jinja2.ext.loopcontrols"], autoescape=False)  # noqa: S701 - parsed only
    parsed = environment.parse(_TRANSFORMERS_TAGS.sub("", template))
    return frozenset(meta.find_undeclared_variables(parsed)) - _RESERVED


class PromptReader:
    """Holds the tokenizer or, for a model that sees, the processor. Used on the worker thread only."""

    def __init__(self, reader: Any, *, sees: bool) -> None:
        self._reader = reader
        self._sees = sees
        self.tokenizer: Any = reader.tokenizer if sees else reader
        template = reader.chat_template
        self._variables = template_variables(template) if isinstance(template, str) else frozenset()

    def read(
        self, conversation: Conversation, tools: list[dict[str, Any]] | None, variables: dict[str, Any]
    ) -> Any:
        """The model's inputs, a batch of one."""
        wanted = {key: value for key, value in variables.items() if key in self._variables}
        try:
            return self._reader.apply_chat_template(
                self._with_pixels(conversation),
                tools=tools,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                sanitize_control_tokens=True,
                **wanted,
            )
        except TemplateError as error:
            raise InvalidValue(
                f"cannot use these messages: the chat template says {error}", param="messages"
            ) from None

    def decode(self, tokens: list[int]) -> str:
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _with_pixels(self, conversation: Conversation) -> list[dict[str, Any]]:
        """A copy with the decoded pictures in their places."""
        pictures = iter(conversation.pictures)

        def filled(part: dict[str, Any]) -> dict[str, Any]:
            return part | {"image": next(pictures).decode()} if part["type"] == "image" else part

        def with_parts(message: dict[str, Any]) -> dict[str, Any]:
            content = message.get("content")
            return (
                message | {"content": [filled(part) for part in content]}
                if isinstance(content, list)
                else message
            )

        return [with_parts(message) for message in conversation.messages]
