"""What is served where: one table, and how a path finds its row. Query strings play no part in it.

Every OpenAI path is served with and without `/v1`, for clients differ in what they call the base URL.
"""

from dataclasses import dataclass
from enum import Enum, auto

from switchyard_contracts.catalog import ModelType

V1 = "/v1"


class Serves(Enum):
    """What answers on a path."""

    ENGINE = auto()
    MODELS = auto()
    MODEL = auto()
    HEALTH = auto()
    PAGE = auto()


class Access(Enum):
    """Whether a path asks for the key, where one is set."""

    OPEN = auto()
    KEY = auto()


@dataclass(frozen=True, slots=True)
class Route:
    """A row. A path that ends in `/` stands for everything below it."""

    path: str
    methods: tuple[str, ...]
    serves: Serves
    access: Access
    types: tuple[ModelType, ...] = ()


GET = ("GET", "HEAD")
POST = ("POST",)
WORDS = (ModelType.TEXT, ModelType.VISION)
PICTURES = (ModelType.IMAGE,)

ROUTES = (
    Route("/v1/models", GET, Serves.MODELS, Access.KEY),
    Route("/v1/models/", GET, Serves.MODEL, Access.KEY),
    Route("/v1/chat/completions", POST, Serves.ENGINE, Access.KEY, WORDS),
    Route("/v1/completions", POST, Serves.ENGINE, Access.KEY, WORDS),
    Route("/v1/embeddings", POST, Serves.ENGINE, Access.KEY, WORDS),
    Route("/v1/images/generations", POST, Serves.ENGINE, Access.KEY, PICTURES),
    Route("/health", GET, Serves.HEALTH, Access.OPEN),
    Route("/", GET, Serves.PAGE, Access.OPEN),
    Route("/ui", GET, Serves.PAGE, Access.OPEN),
    Route("/ui/", GET, Serves.PAGE, Access.OPEN),
)


def _paths(route: Route) -> tuple[str, ...]:
    return (route.path, route.path.removeprefix(V1)) if route.path.startswith(V1) else (route.path,)


_EXACT = {path: route for route in ROUTES for path in _paths(route)}
_BELOW = tuple((path, route) for path, route in _EXACT.items() if path.endswith("/") and path != "/")


def find(path: str) -> tuple[Route, str] | None:
    """The row for a decoded path, and what of the path lies below the row's own."""
    if route := _EXACT.get(path):
        return route, ""
    for prefix, route in _BELOW:
        if path.startswith(prefix):
            return route, path[len(prefix) :]
    return None
