"""Keep the libraries' progress bars and known noise out of the log: a supervisor reads it line by line.

Import this before whatever else imports Transformers or Diffusers: they import torchao, which is when it talks.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterator

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers and diffusers

# isort: split
import transformers.utils.logging

# On import, torchao tells which of its compiled parts are made for other machines, torch that torchao is a
# release behind, and Diffusers which of torchao's older classes are gone. None of it can be acted on.
_NOISY = ("torchao", "torch.utils._pytree", "diffusers.quantizers.torchao.torchao_quantizer")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    with contextlib.suppress(ImportError):
        yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


with _silence():
    import torchao.quantization  # noqa: F401

    # It asks for more of torchao, and every load asks for it.
    import transformers.quantizers.auto


def quiet() -> None:
    transformers.utils.logging.disable_progress_bar()


def quiet_diffusers() -> None:
    """For pipelines only: its import takes a second."""
    import diffusers.utils.logging

    with _silence():
        from diffusers.quantizers.torchao import torchao_quantizer  # noqa: F401

    diffusers.utils.logging.disable_progress_bar()
    # For each layer of a LoRA over quantised weights: it could not be merged into them. It never is.
    warnings.filterwarnings("ignore", message=".* was instantiated without `get_apply_tensor_subclass`")
