"""The manager: the daemon that owns every engine's life on one machine.

    app → supervise → runtimes, engines → scheduler → lifecycle → errors

Imports point one way, and the build checks it. `lifecycle` says which moves are legal, `scheduler` decides
what to do next (purely), `runtimes` know how to run a program and nothing of models, `engines` know what to
run for a model and how to tell that it serves, `supervise` carries decisions out and is the only writer of a
phase, `app` and `api` are the ways in.
"""

from switchyard_contracts import __version__

__all__ = ["__version__"]
