"""Which model answers a name, and what its catalog entry changes in the request. Pure."""
