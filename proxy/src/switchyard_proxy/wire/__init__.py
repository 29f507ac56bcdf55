"""The raw ASGI path of a request to an engine and back. What runs here runs for every request."""
