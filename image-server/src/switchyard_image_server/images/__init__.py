"""Pictures: from a request to encoded images. Only `model` imports torch."""
