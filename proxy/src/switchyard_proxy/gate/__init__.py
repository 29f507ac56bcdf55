"""The gate: beside the engines of a GPU machine, it lets proxies of other machines in, and nobody else.

A program of its own, which keeps nothing: each request carries the key to one engine, worked out from the
token that manager and gate share. It passes bytes, both ways, and only on the paths that a proxy asks for. It
knows no model, no grant and no manager; killing the manager cuts nothing that runs here.
"""
