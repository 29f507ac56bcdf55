"""Chat: from a request to streamed text. Only `model` imports torch."""
