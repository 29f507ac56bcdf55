"""Keep the libraries' progress bars out of the log: a supervisor reads it line by line."""

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers and diffusers

# isort: split
import diffusers.utils.logging
import transformers.utils.logging


def quiet() -> None:
    transformers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.disable_progress_bar()
