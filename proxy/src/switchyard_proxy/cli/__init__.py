"""The commands of `switchyard-proxy` beside serving. Each command is one module."""
