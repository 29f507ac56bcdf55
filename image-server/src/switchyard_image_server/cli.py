"""`switchyard-image-server`: read the command line, and start the server.

Nothing heavy is imported before the arguments are known to be good: `--help` is instant. Every refusal prints
the same marker line as a failed load, so that a supervisor need not parse usage texts.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.settings import (
    BudgetSettings,
    Device,
    MediaSettings,
    ModelSettings,
    NamedLora,
    Placing,
    Precision,
    Quantization,
    ResultSettings,
    Settings,
    default_name,
)

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


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return value


def _lora(text: str) -> NamedLora:
    """`NAME=PATH_OR_REPO`, with `:SCALE` at the end if the last part is a number."""
    name, equals, rest = text.partition("=")
    source, colon, last = rest.rpartition(":")
    try:
        scaled = NamedLora(name, source, float(last)) if colon else NamedLora(name, rest)
    except ValueError:
        scaled = NamedLora(name, rest)
    if not (name and equals and scaled.source):
        raise argparse.ArgumentTypeError(f"must be NAME=PATH_OR_REPO or NAME=PATH_OR_REPO:SCALE, not {text!r}")
    return scaled


def _folder(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path}")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="switchyard-image-server",
        description="Serve one image pipeline or one language or vision model behind OpenAI's routes.",
        epilog=f"With {API_KEY} in the environment, every request but GET /health must show that key.",
    )
    for add_flags in (
        _model_flags,
        _server_flags,
        _memory_flags,
        _picture_flags,
        _chat_flags,
        _media_flags,
        _result_flags,
    ):
        add_flags(parser)
    return parser


def _model_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the model").add_argument
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
    add("--revision", help="the repository's branch, tag or commit (default: its main branch)")
    add("--device", type=Device, choices=list(Device), default=Device.AUTO, help="(default: %(default)s)")
    add(
        "--dtype",
        type=Precision,
        choices=list(Precision),
        default=Precision.AUTO,
        help="(default: %(default)s)",
    )


def _server_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the server").add_argument
    add("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    add(
        "--port",
        type=int,
        default=8000,
        help="the port to listen on; 0 takes a free one (default: %(default)s)",
    )
    add(
        "--max-queue",
        type=_at_least(1),
        default=32,
        metavar="N",
        help="waiting requests (default: %(default)s)",
    )
    add("--log-level", choices=LOG_LEVELS, default="info", help="(default: %(default)s)")


def _memory_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("memory").add_argument
    add(
        "--memory",
        type=Placing,
        choices=list(Placing),
        default=Placing.AUTO,
        help="where an image model's weights are while it draws (default: what fits, see /v1/status)",
    )
    add(
        "--quantization",
        type=Quantization,
        choices=list(Quantization),
        default=Quantization.AUTO,
        help="how weights are stored on the device (default: as they are, unless only less fits)",
    )
    add("--max-vram-mib", type=_at_least(1), metavar="N", help="use no more of the device than this")
    add(
        "--no-park",
        action="store_true",
        help="keep no copy of the weights in host memory: saves as much RAM, and the server cannot sleep",
    )


def _picture_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("image models").add_argument
    add("--steps", type=_at_least(2), metavar="N", help="denoising steps when a request names none")
    add("--guidance", type=float, metavar="X", help="classifier-free guidance when a request names none")
    add(
        "--lora",
        type=_lora,
        action="append",
        default=[],
        metavar="NAME=SOURCE[:SCALE]",
        help="a LoRA that requests may ask for by name; may be given several times",
    )
    add(
        "--lora-root",
        type=_folder,
        metavar="FOLDER",
        help="let requests name safetensors files below this folder as LoRAs, too",
    )
    add("--controlnet", metavar="PATH_OR_REPO", help="a ControlNet to draw with")
    add("--compile", action="store_true", help="compile the transformer: slow to start, faster to draw")


def _chat_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("language and vision models").add_argument
    add("--max-model-len", type=_at_least(1), metavar="N", help="context in tokens (default: the model's own)")
    add("--max-new-tokens", type=_at_least(1), metavar="N", help="longest answer when a request sets no limit")
    add(
        "--max-concurrency",
        type=_at_least(1),
        default=8,
        metavar="N",
        help="answers that are written at the same time (default: %(default)s)",
    )
    add("--max-image-tokens", type=_at_least(4), metavar="N", help="shrink pictures to so many tokens each")
    add(
        "--max-video-frames",
        type=_at_least(2),
        default=64,
        metavar="N",
        help="frames taken of a video, spread evenly (default: %(default)s)",
    )
    add(
        "--video-fps",
        type=_above_zero,
        default=2.0,
        metavar="X",
        help="frames taken of each second of a video (default: %(default)s)",
    )
    add(
        "--no-labels",
        action="store_true",
        help='do not put "Image 1:" and the like before pictures and videos when there are several',
    )
    add(
        "--warning-tokens",
        type=_at_least(1),
        default=20_000,
        metavar="N",
        help="prompts above this are called large (default: %(default)s)",
    )
    add(
        "--critical-tokens",
        type=_at_least(1),
        default=50_000,
        metavar="N",
        help="prompts above this are called very large (default: %(default)s)",
    )


def _media_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("pictures and videos by address").add_argument
    add(
        "--fetch-media",
        action="store_true",
        help="fetch http(s) addresses in requests; never from private, loopback or link-local addresses",
    )
    add(
        "--media-root", type=_folder, metavar="FOLDER", help="let requests name files below this folder (file:)"
    )
    add(
        "--max-fetch-mib",
        type=_at_least(1),
        default=64,
        metavar="N",
        help="largest file fetched (default: %(default)s)",
    )


def _result_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("jobs, and pictures behind addresses").add_argument
    add(
        "--keep-results-s",
        type=_above_zero,
        default=3600.0,
        metavar="S",
        help="how long they are kept, in memory (default: %(default)s)",
    )
    add(
        "--keep-results-mib",
        type=_at_least(1),
        default=256,
        metavar="N",
        help="how much of them is kept (default: %(default)s)",
    )
    add("--public-url", metavar="URL", help="what clients call this server, for addresses of pictures")


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    given = _parser().parse_args(arguments)
    return Settings(
        model=_model_settings(given),
        served_name=given.served_model_name or default_name(given.model),
        host=given.host,
        port=given.port,
        max_queue=given.max_queue,
        log_level=given.log_level,
        labels=not given.no_labels,
        media=MediaSettings(fetch=given.fetch_media, root=given.media_root, max_fetch_mib=given.max_fetch_mib),
        budget=BudgetSettings(warning=given.warning_tokens, critical=given.critical_tokens),
        results=ResultSettings(
            keep_s=given.keep_results_s, max_mib=given.keep_results_mib, public_url=given.public_url
        ),
        api_key=os.environ.get(API_KEY) or None,
    )


def _model_settings(given: argparse.Namespace) -> ModelSettings:
    return ModelSettings(
        model=given.model,
        device=given.device,
        dtype=given.dtype,
        max_model_len=given.max_model_len,
        max_new_tokens=given.max_new_tokens,
        steps=given.steps,
        guidance=given.guidance,
        revision=given.revision,
        placing=given.memory,
        quantization=given.quantization,
        max_vram_mib=given.max_vram_mib,
        park=not given.no_park,
        compile=given.compile,
        concurrency=given.max_concurrency,
        loras=tuple(given.lora),
        lora_root=given.lora_root,
        controlnet=given.controlnet,
        max_image_tokens=given.max_image_tokens,
        max_video_frames=given.max_video_frames,
        video_fps=given.video_fps,
    )


def main() -> None:
    settings = read_settings()
    from switchyard_image_server.serve import serve

    serve(settings)
