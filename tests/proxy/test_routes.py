"""What is served where."""

import pytest

from switchyard_proxy.access.callers import Role
from switchyard_proxy.dialects.catalogue import ANTHROPIC
from switchyard_proxy.routes import ROUTES, Serves, Table, in_force

TABLE = Table(in_force(ollama=False))


@pytest.mark.parametrize(
    ("path", "serves", "below"),
    [
        ("/v1/chat/completions", Serves.ENGINE, ""),
        ("/chat/completions", Serves.ENGINE, ""),
        ("/v1/responses", Serves.ENGINE, ""),
        ("/v1/responses/resp_1/cancel", Serves.RESPONSE, "resp_1/cancel"),
        ("/v1/models", Serves.MODELS, ""),
        ("/models", Serves.MODELS, ""),
        ("/models/load", Serves.ROUTER, ""),
        ("/v1/models/org/name", Serves.MODEL, "org/name"),
        ("/models/x", Serves.MODEL, "x"),
        ("/upstream/m/v1/pooling", Serves.PASS, "m/v1/pooling"),
        ("/v1/moderations", Serves.NOT_HERE, ""),
        ("/api/keys/me", Serves.MANAGEMENT, ""),
        ("/api/keys/k1", Serves.MANAGEMENT, "k1"),
        ("/health", Serves.HEALTH, ""),
        ("/", Serves.PAGE, ""),
        ("/ui/app.js", Serves.PAGE, "app.js"),
    ],
)
def test_finds_the_row_of_a_path(path: str, serves: Serves, below: str) -> None:
    found = TABLE.find(path)

    assert found is not None
    assert found[0].serves is serves
    assert found[1] == below


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/", "/v1/health", "/nothing", "", "/v1/chat", "/v1/v1/models", "/uix", "/api/tags", "/api"],
)
def test_knows_no_other_path(path: str) -> None:
    assert TABLE.find(path) is None


def test_ollamas_paths_are_there_only_where_they_are_wanted() -> None:
    wanted = Table(in_force(ollama=True)).find("/api/chat")

    assert wanted is not None
    assert wanted[0].serves is Serves.OLLAMA


def test_whatever_reaches_a_model_or_tells_of_one_asks_who_it_is() -> None:
    open_to_all = {route.serves for route in ROUTES if route.role is None}

    assert open_to_all == {Serves.FACTS, Serves.HEALTH, Serves.PAGE}


def test_what_changes_something_for_everybody_is_not_for_users() -> None:
    roles = {route.path: route.role for route in ROUTES}

    assert roles["/models/load"] is roles["/models/unload"] is Role.OPERATE
    assert roles["/api/requests"] is Role.OPERATE
    assert roles["/api/keys"] is roles["/api/keys/"] is Role.ADMIN


def test_errors_speak_the_language_of_the_path() -> None:
    found = TABLE.find("/v1/messages/count_tokens")

    assert found is not None
    assert found[0].dialect is ANTHROPIC
