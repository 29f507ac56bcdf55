"""What a client reads when no model would do: exact, and never longer than anybody wants to read."""

from switchyard_contracts.catalog import ModelType
from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.routing import refusals
from tests.proxy.managers import status

CHAT, PAINT = status("chat"), status("paint", ModelType.IMAGE)


def test_an_unknown_model_is_refused_with_the_names_there_are() -> None:
    refused = refusals.unknown("nothing", [CHAT, PAINT], ["chat", "paint"])

    assert str(refused) == "cannot find the model 'nothing'; there are: chat, paint"
    assert (refused.code, refused.body.param) == (ErrorCode.MODEL_NOT_FOUND, "model")


def test_a_name_that_is_nearly_right_is_told_the_right_one() -> None:
    refused = refusals.unknown("QWEN-3", [CHAT], ["chat", "Qwen3", "gpt"])

    assert str(refused) == "cannot find the model 'QWEN-3'; there are: chat; did you mean 'Qwen3'?"


def test_where_there_is_no_model_it_says_what_to_do() -> None:
    refused = refusals.unknown("x", [], [])

    assert str(refused) == "cannot find the model 'x'; there are: none yet: add one to models.json"


def test_a_route_for_other_models_names_those_that_would_do() -> None:
    refused = refusals.unfit("/v1/chat/completions", PAINT, [CHAT, status("eyes", ModelType.VISION)])

    assert str(refused) == (
        "cannot serve /v1/chat/completions with 'paint', a model of type image; use one of: chat, eyes"
    )
    assert (refused.code, refused.body.param) == (ErrorCode.UNSUPPORTED_ENDPOINT, "model")


def test_a_text_model_that_does_not_chat_is_told_by_what_it_does() -> None:
    embeds = status("embeds", capabilities=("embeddings", "rerank"))

    refused = refusals.unfit("/v1/completions", embeds, [CHAT])

    assert "'embeds', a model for embeddings, rerank; use one of: chat" in str(refused)


def test_a_route_that_no_model_serves_says_so() -> None:
    refused = refusals.unfit("/v1/images/generations", CHAT, [])

    assert str(refused).endswith(
        "no model here would do: add one to models.json, or say under its `capabilities` what it can do"
    )


def test_no_message_grows_with_the_number_of_models_or_the_length_of_a_name() -> None:
    models = [status(f"{'m' * 190}{number}") for number in range(1_000)]
    known = [model.name for model in models]

    told = [
        str(refusals.unknown("n" * 100_000, models, known)),
        str(refusals.unknown("m" * 90, models, known)),
        str(refusals.unfit("/v1/x", models[0], models)),
        str(refusals.none_fits("/v1/x", "any", models)),
    ]

    assert max(map(len, told)) < 2_500
    assert all("and 980 more" in one for one in told)
