"""What the proxy knows of the models, and what it says of those that it does not know."""

import asyncio

import pytest

from switchyard_contracts.catalog import ModelType
from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.grants import Loading, Models
from switchyard_contracts.status import Phase
from switchyard_proxy.errors import Refused, Unavailable
from switchyard_proxy.grants.known_models import KnownModels, Snapshot, check_type, model_named
from tests.proxy.managers import status

SNAPSHOT = Snapshot.of(
    (
        status("chat", aliases=("gpt", "paint")),
        status("eyes", ModelType.VISION),
        status("paint", ModelType.IMAGE),
    )
)


@pytest.mark.parametrize(("name", "found"), [("chat", "chat"), ("gpt", "chat"), ("paint", "paint")])
def test_finds_a_model_by_name_and_by_alias_and_a_name_wins(name: str, found: str) -> None:
    assert model_named(SNAPSHOT, name).name == found


def test_an_unknown_model_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(Refused, match="cannot find the model 'gtp'; there are: chat, eyes, paint") as refused:
        model_named(SNAPSHOT, "gtp")

    assert refused.value.code is ErrorCode.MODEL_NOT_FOUND


def test_a_route_for_other_models_names_those_that_would_do() -> None:
    types = (ModelType.TEXT, ModelType.VISION)

    with pytest.raises(Refused, match="'paint', a model of type image; use one of: chat, eyes") as refused:
        check_type(SNAPSHOT, model_named(SNAPSHOT, "paint"), "/v1/chat/completions", types)

    assert refused.value.code is ErrorCode.UNSUPPORTED_ENDPOINT


def test_a_route_that_no_model_serves_says_so() -> None:
    only_text = Snapshot.of((status("chat"),))

    with pytest.raises(Refused, match="no model here would do"):
        check_type(only_text, only_text.models[0], "/v1/images/generations", (ModelType.IMAGE,))


async def test_before_the_first_word_a_request_waits_a_little_for_it() -> None:
    known = KnownModels()

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(known.within(5))
        await asyncio.sleep(0)
        known.replace(Models(models=(status("chat"),)))

    assert waiting.result().by_name["chat"].name == "chat"


async def test_without_any_word_a_request_is_told_that_the_manager_is_away() -> None:
    with pytest.raises(Unavailable) as unavailable:
        await KnownModels().within(0.01)

    assert unavailable.value.code is ErrorCode.MANAGER_UNAVAILABLE


def test_progress_is_kept_while_the_phase_lasts_and_no_longer() -> None:
    known = KnownModels()
    known.note(Loading(model="chat", phase=Phase.LOADING, elapsed_s=1, progress="60 %"))

    known.replace(Models(models=(status("chat", phase=Phase.LOADING),)))
    while_loading = dict(known.loading)
    known.replace(Models(models=(status("chat", phase=Phase.READY),)))

    assert while_loading["chat"].progress == "60 %"
    assert known.loading == {}
