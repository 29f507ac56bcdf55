"""`switchyard-image-server`: read the command line, and start the server.

Nothing heavy is imported before the arguments are known to be good: `--help` is instant. Every refusal prints
the same marker line as a failed load, so that a supervisor need not parse usage texts.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.settings import Device, ModelSettings, Precision, Settings, default_name

BAD_ARGUMENT_EXIT = 2
API_KEY = "SWITCHYARD_IMAGE_SERVER_API_KEY"  # no flag: those show in every list of processes
LOG_LEVELS = ("critical", "error", "warning", "info", "debug")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        failure = StartFailure(StartCode.BAD_ENGINE_ARGUMENT, f"cannot use these arguments: {message}")
        self.exit(BAD_ARGUMENT_EXIT, f"{failure.marker()}\n")


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, not {value}")
        return value

    return number


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="switchyard-image-server",
        description="Serve one image pipeline or one language or vision model behind OpenAI's routes.",
        epilog=f"With {API_KEY} in the environment, every request but GET /health must show that key.",
    )
    add = parser.add_argument
    add(
        "--model",
        required=True,
        metavar="PATH_OR_REPO",
        help="a folder on this machine, or a repository's name",
    )
    add(
        "--served-model-name",
        metavar="NAME",
        help="the name clients ask for (default: the folder or repository)",
    )
    add("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    add(
        "--port",
        type=int,
        default=8000,
        help="the port to listen on; 0 takes a free one (default: %(default)s)",
    )
    add("--device", type=Device, choices=list(Device), default=Device.AUTO, help="(default: %(default)s)")
    add(
        "--dtype",
        type=Precision,
        choices=list(Precision),
        default=Precision.AUTO,
        help="(default: %(default)s)",
    )
    add("--revision", help="the repository's branch, tag or commit (default: its main branch)")
    add("--max-model-len", type=_at_least(1), metavar="N", help="context in tokens (default: the model's own)")
    add("--max-new-tokens", type=_at_least(1), metavar="N", help="longest answer when a request sets no limit")
    add("--steps", type=_at_least(2), metavar="N", help="denoising steps when a request names none")
    add("--guidance", type=float, metavar="X", help="classifier-free guidance when a request names none")
    add(
        "--max-queue",
        type=_at_least(1),
        default=32,
        metavar="N",
        help="waiting requests (default: %(default)s)",
    )
    add("--log-level", choices=LOG_LEVELS, default="info", help="(default: %(default)s)")
    return parser


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    given = _parser().parse_args(arguments)
    model = ModelSettings(
        model=given.model,
        device=given.device,
        dtype=given.dtype,
        max_model_len=given.max_model_len,
        max_new_tokens=given.max_new_tokens,
        steps=given.steps,
        guidance=given.guidance,
        revision=given.revision,
    )
    return Settings(
        model=model,
        served_name=given.served_model_name or default_name(given.model),
        host=given.host,
        port=given.port,
        max_queue=given.max_queue,
        log_level=given.log_level,
        api_key=os.environ.get(API_KEY) or None,
    )


def main() -> None:
    settings = read_settings()
    from switchyard_image_server.serve import serve

    serve(settings)
