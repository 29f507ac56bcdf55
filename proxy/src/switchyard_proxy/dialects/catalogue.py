"""Every dialect there is, by name, for the table of routes."""

from switchyard_proxy.dialects.anthropic import ANTHROPIC
from switchyard_proxy.dialects.images import OPENAI_IMAGES
from switchyard_proxy.dialects.ollama.dialect import OLLAMA
from switchyard_proxy.dialects.openai_chat import OPENAI_CHAT, OPENAI_COMPLETIONS
from switchyard_proxy.dialects.plain import OPENAI_PLAIN
from switchyard_proxy.dialects.responses import OPENAI_RESPONSES

__all__ = [
    "ANTHROPIC",
    "OLLAMA",
    "OPENAI_CHAT",
    "OPENAI_COMPLETIONS",
    "OPENAI_IMAGES",
    "OPENAI_PLAIN",
    "OPENAI_RESPONSES",
]
