"""What is served where: one table, and how a path finds its row. Query strings play no part in it.

Every OpenAI path is served with and without `/v1`, for clients differ in what they call the base URL. A path
that ends in `/` stands for everything below it.
"""

from dataclasses import dataclass
from enum import Enum, auto

from switchyard_proxy.access.callers import Role
from switchyard_proxy.dialects import catalogue as dialects
from switchyard_proxy.dialects.voice import Dialect
from switchyard_proxy.routing import needs
from switchyard_proxy.routing.needs import Need
from switchyard_proxy.streams.stream import Kind

V1 = "/v1"


class Serves(Enum):
    """What answers on a path."""

    ENGINE = auto()  # the model that the body names
    PASS = auto()  # the model that the path names, on any path of its engine that is allowed
    OLLAMA = auto()
    RESPONSE = auto()  # a kept response of the Responses API
    STREAM = auto()  # a kept stream
    MODELS = auto()
    MODEL = auto()
    ROUTER = auto()  # llama.cpp's: load, unload, news
    MANAGEMENT = auto()
    NOT_HERE = auto()  # known, and refused with a reason
    FACTS = auto()
    LIVE = auto()
    MANAGER = auto()
    TOKENS = auto()
    HEALTH = auto()
    PAGE = auto()


@dataclass(frozen=True, slots=True)
class Route:
    """A row. `role` None: open to everyone."""

    path: str
    methods: tuple[str, ...]
    serves: Serves
    role: Role | None = Role.USE
    need: Need = needs.ANY
    dialect: Dialect = dialects.OPENAI_PLAIN
    target: bytes = b""  # the path at the engine, where it is another
    uploads: bool = False  # whether it takes multipart forms
    counts: bool = False  # whether its streams can be asked for token counts
    blanks: bool = False  # whether its plain replies are JSON, which may begin with blanks
    keeps: Kind | None = None  # the kind of stream that its replies are, where they may be logged
    reason: str = ""


GET = ("GET", "HEAD")
POST = ("POST",)


def _engine(path: str, need: Need, dialect: Dialect = dialects.OPENAI_PLAIN, **more: object) -> Route:
    return Route(path, POST, Serves.ENGINE, Role.USE, need, dialect, **more)  # type: ignore[arg-type]


def _kept(path: str, need: Need, dialect: Dialect, keeps: Kind, **more: object) -> Route:
    """An engine's path whose replies are JSON or events, and may be logged."""
    return _engine(path, need, dialect, keeps=keeps, blanks=True, **more)


def _not_here(path: str, reason: str) -> Route:
    return Route(path, POST, Serves.NOT_HERE, reason=reason)


ROUTES = (
    Route("/v1/models", GET, Serves.MODELS),
    Route("/v1/models/", GET, Serves.MODEL),
    _engine(
        "/v1/chat/completions", needs.CHAT, dialects.OPENAI_CHAT, counts=True, blanks=True, keeps=Kind.CHAT
    ),
    _engine(
        "/v1/completions",
        needs.COMPLETIONS,
        dialects.OPENAI_COMPLETIONS,
        counts=True,
        blanks=True,
        keeps=Kind.COMPLETIONS,
    ),
    _engine("/v1/responses", needs.CHAT, dialects.OPENAI_RESPONSES, blanks=True, keeps=Kind.RESPONSES),
    _engine("/v1/responses/input_tokens", needs.CHAT),
    _engine("/v1/responses/compact", needs.CHAT),
    Route("/v1/responses/", ("GET", "POST", "DELETE"), Serves.RESPONSE),
    _kept("/v1/messages", needs.CHAT, dialects.ANTHROPIC, Kind.MESSAGES),
    _engine("/v1/messages/count_tokens", needs.CHAT, dialects.ANTHROPIC),
    _engine("/v1/embeddings", needs.EMBEDDINGS, blanks=True),
    _engine("/v1/rerank", needs.RERANK),
    _engine("/v2/rerank", needs.RERANK),
    _engine("/v1/score", needs.RERANK),
    _engine("/tokenize", needs.TOKENIZE),
    _engine("/detokenize", needs.TOKENIZE),
    _engine("/v1/tokenize", needs.TOKENIZE, target=b"/tokenize"),
    _engine("/v1/images/generations", needs.IMAGES, dialects.OPENAI_IMAGES, blanks=True, keeps=Kind.IMAGES),
    _engine(
        "/v1/images/edits",
        needs.IMAGE_EDITS,
        dialects.OPENAI_IMAGES,
        uploads=True,
        blanks=True,
        keeps=Kind.IMAGES,
    ),
    _not_here("/v1/images/variations", "no engine here makes variations; use /v1/images/edits with a prompt"),
    _not_here("/v1/moderations", "no engine here moderates; ask a chat model to judge the text"),
    _engine("/v1/audio/speech", needs.SPEECH),
    _engine("/v1/audio/transcriptions", needs.TRANSCRIPTIONS, uploads=True),
    _engine("/v1/audio/translations", needs.TRANSCRIPTIONS, uploads=True),
    Route("/v1/streams", GET, Serves.STREAM),
    Route("/v1/streams/", ("GET", "DELETE"), Serves.STREAM),
    Route("/v1/stream", ("GET", "DELETE"), Serves.STREAM),
    Route("/models/load", POST, Serves.ROUTER, Role.OPERATE),
    Route("/models/unload", POST, Serves.ROUTER, Role.OPERATE),
    Route("/models/sse", GET, Serves.ROUTER),
    Route("/upstream/", ("GET", "HEAD", "POST", "DELETE"), Serves.PASS),
    Route("/api/keys", ("GET", "POST"), Serves.MANAGEMENT, Role.ADMIN),
    Route("/api/keys/me", GET, Serves.MANAGEMENT, Role.USE),
    Route("/api/keys/", ("GET", "PATCH", "DELETE"), Serves.MANAGEMENT, Role.ADMIN),
    Route("/api/requests", GET, Serves.MANAGEMENT, Role.OPERATE),
    Route("/api/requests/", GET, Serves.MANAGEMENT, Role.OPERATE),
    Route("/api/ui", GET, Serves.FACTS, None),
    Route("/api/live", ("GET",), Serves.LIVE),
    Route("/api/tokens", POST, Serves.TOKENS),
    Route("/api/managers/", ("GET", "POST", "PUT", "DELETE"), Serves.MANAGER, Role.OPERATE),
    Route("/metrics", GET, Serves.MANAGEMENT, Role.OPERATE),
    Route("/health", GET, Serves.HEALTH, None),
    Route("/", GET, Serves.PAGE, None),
    Route("/ui", GET, Serves.PAGE, None),
    Route("/ui/", GET, Serves.PAGE, None),
)
OLLAMA = (
    *(Route(f"/api/{name}", GET, Serves.OLLAMA, dialect=dialects.OLLAMA) for name in ("tags", "ps", "version")),
    *(Route(f"/api/{name}", POST, Serves.OLLAMA, dialect=dialects.OLLAMA) for name in ("show", "pull")),
    *(
        Route(f"/api/{name}", POST, Serves.OLLAMA, need=need, dialect=dialects.OLLAMA)
        for name, need in (
            ("chat", needs.CHAT),
            ("generate", needs.CHAT),
            ("embed", needs.EMBEDDINGS),
            ("embeddings", needs.EMBEDDINGS),
        )
    ),
)


def in_force(*, ollama: bool) -> tuple[Route, ...]:
    """Ollama's rows come first where they are wanted."""
    return (*OLLAMA, *ROUTES) if ollama else ROUTES


def _paths(route: Route) -> tuple[str, ...]:
    return (route.path, route.path.removeprefix(V1)) if route.path.startswith(V1) else (route.path,)


class Table:
    """The rows that are in force, by path."""

    def __init__(self, rows: tuple[Route, ...]) -> None:
        self._exact: dict[str, Route] = {}
        for route in rows:
            for path in _paths(route):
                self._exact.setdefault(path, route)
        below = [(path, route) for path, route in self._exact.items() if path.endswith("/") and path != "/"]
        self._below = tuple(sorted(below, key=lambda row: -len(row[0])))

    def find(self, path: str) -> tuple[Route, str] | None:
        """The row for a decoded path, and what of the path lies below the row's own."""
        if route := self._exact.get(path):
            return route, ""
        for prefix, route in self._below:
            if path.startswith(prefix):
                return route, path[len(prefix) :]
        return None
