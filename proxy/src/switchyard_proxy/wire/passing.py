"""Which paths of an engine may be asked for under `/upstream/{model}/`: a list of those that may, and no other.

What is left out on purpose: whatever changes an engine (sleep, wake, weights, caches, profiling, collective
calls, shutdown) is the manager's, and nobody on the network may reach it past the manager.
"""

import re

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.bodies.fields import read_fields
from switchyard_proxy.errors import Refused
from switchyard_proxy.routing import refusals
from switchyard_proxy.routing.names import Directory, Fits, anyone

ASKS = (
    "apply-template",
    "classify",
    "completion",
    "detokenize",
    "embedding",
    "generative_scoring",
    "infill",
    "pooling",
    "rerank",
    "score",
    "sdapi/v1/img2img",
    "sdapi/v1/txt2img",
    "tokenize",
    "v1/audio/speech",
    "v1/audio/transcriptions",
    "v1/audio/translations",
    "v1/chat/completions",
    "v1/chat/completions/render",
    "v1/completions",
    "v1/embeddings",
    "v1/images/edits",
    "v1/images/generations",
    "v1/messages",
    "v1/messages/count_tokens",
    "v1/rerank",
    "v1/responses",
    "v1/score",
    "v1/tokenize",
    "v2/embed",
    "v2/rerank",
)
LOOKS = (
    "health",
    "metrics",
    "openapi.json",
    "ping",
    "props",
    "sdapi/v1/loras",
    "sdapi/v1/samplers",
    "slots",
    "tokenizer_info",
    "v1/models",
    "version",
)
# A name, and no `..`: an engine might climb by it.
KEPT = re.compile(r"v1/images/files/[A-Za-z0-9_-]+(\.[a-z]+)?")
JOBS = re.compile(r"v1/jobs(/[A-Za-z0-9_-][A-Za-z0-9_.-]*){0,2}")


def split(below: str, directory: Directory, may: Fits = anyone) -> tuple[str, str]:
    """The model and the engine's path. Names may hold `/`: the longest that fits. Raises `Refused`.

    `may` tells which models the client may use: of others it hears nothing.
    """
    parts = below.split("/")
    for count in range(len(parts) - 1, 0, -1):
        if directory.named(name := "/".join(parts[:count])) is not None:
            return name, "/".join(parts[count:])
    models = tuple(filter(may, directory.models))
    raise refusals.unknown(parts[0], models, [model.name for model in models])


def streams(body: bytes) -> bool:
    """Whether the reply will be a stream, as far as a body that is no affair of ours tells."""
    try:
        return read_fields(body).stream
    except Refused:
        return False


def check(method: str, path: str) -> None:
    """Raises `Refused` for a path that may not be asked for."""
    looks = method in {"GET", "HEAD"}
    if (looks and path in LOOKS) or (method == "POST" and path in ASKS):
        return
    if JOBS.fullmatch(path) or (looks and KEPT.fullmatch(path)):
        return
    raise Refused(
        ErrorCode.UNKNOWN_URL,
        f"cannot pass on {method} /{path[:100]}: it is not among the engines' paths that clients may ask for;"
        " docs/api.md lists them",
    )
