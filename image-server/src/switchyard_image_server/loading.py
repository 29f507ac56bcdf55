"""Load whatever model the operator named. Runs on the worker thread.

Importing this imports the inference stack, seconds of it: `engine` does so on the worker thread only.
"""

import switchyard_image_server.torch_ready  # noqa: F401 - before everything that needs torch

# isort: split
from switchyard_image_server.quiet import quiet, quiet_diffusers  # and then what is noisy

# isort: split
from collections.abc import Callable
from typing import TYPE_CHECKING

from switchyard_image_server.device import place
from switchyard_image_server.errors import StartCode, StartFailure, as_start_failure
from switchyard_image_server.identity import Identity, Kind
from switchyard_image_server.importing import once_for_all
from switchyard_image_server.progress import Progress
from switchyard_image_server.settings import ModelSettings

if TYPE_CHECKING:
    from switchyard_image_server.chat.model import ChatModel
    from switchyard_image_server.images.model import ImageModel

_NOT_KNOWN = ("does not recognize", "Unrecognized configuration class", "Unrecognized model")


def load(
    settings: ModelSettings, identity: Identity, tell: Callable[[Progress], None] = lambda _: None
) -> "ChatModel | ImageModel":
    """Raises `StartFailure` and nothing else."""
    try:
        quiet()
        return _load(settings, identity, tell)
    except Exception as error:
        if isinstance(error, ValueError) and any(words in str(error) for words in _NOT_KNOWN):
            failure = StartFailure(
                StartCode.UNSUPPORTED_MODEL,
                f"cannot load {settings.model}: this release of Transformers does not know its architecture",
            )
            raise failure from error
        raise as_start_failure(error, settings.model) from error


def _load(
    settings: ModelSettings, identity: Identity, tell: Callable[[Progress], None]
) -> "ChatModel | ImageModel":
    placement = place(settings)
    # Each of them imports much that the other has no use for.
    if identity.class_name is not None:
        with once_for_all():
            quiet_diffusers()
            from switchyard_image_server.images.model import ImageModel

        return ImageModel.load(settings, placement, identity.class_name, tell)
    with once_for_all():
        from switchyard_image_server.chat.model import ChatModel

    return ChatModel.load(settings, placement, sees=identity.kind is Kind.VISION, tell=tell)
