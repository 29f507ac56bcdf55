"""What is served where."""

import pytest

from switchyard_contracts.catalog import ModelType
from switchyard_proxy.routes import ROUTES, Access, Serves, find


@pytest.mark.parametrize(
    ("path", "serves", "below"),
    [
        ("/v1/chat/completions", Serves.ENGINE, ""),
        ("/chat/completions", Serves.ENGINE, ""),
        ("/v1/models", Serves.MODELS, ""),
        ("/models", Serves.MODELS, ""),
        ("/v1/models/org/name", Serves.MODEL, "org/name"),
        ("/models/x", Serves.MODEL, "x"),
        ("/health", Serves.HEALTH, ""),
        ("/", Serves.PAGE, ""),
        ("/ui/app.js", Serves.PAGE, "app.js"),
    ],
)
def test_finds_the_row_of_a_path(path: str, serves: Serves, below: str) -> None:
    found = find(path)

    assert found is not None
    assert found[0].serves is serves
    assert found[1] == below


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v1/health", "/nothing", "", "/v1/chat", "/v1/v1/models", "/uix"]
)
def test_knows_no_other_path(path: str) -> None:
    assert find(path) is None


def test_an_image_model_answers_no_chat_and_a_text_model_draws_nothing() -> None:
    types = {route.path: route.types for route in ROUTES if route.serves is Serves.ENGINE}

    assert ModelType.IMAGE not in types["/v1/chat/completions"]
    assert types["/v1/images/generations"] == (ModelType.IMAGE,)


def test_whatever_reaches_a_model_asks_for_the_key() -> None:
    models = {Serves.ENGINE, Serves.MODEL, Serves.MODELS}

    assert all(route.access is Access.KEY for route in ROUTES if route.serves in models)
