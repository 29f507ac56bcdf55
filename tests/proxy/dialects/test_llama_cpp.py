"""llama.cpp's router: entries in its words, and news of exactly what has changed."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_contracts.catalog import Capability, Engine, ModelType
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure, FilesAt, FilesStatus, ModelStatus, Phase
from switchyard_proxy.dialects.llama_cpp import SUCCESS, VALUES, entry, listing, news, status
from tests.proxy.dialects.hearing import documents

WORDS = {"unloaded", "loading", "loaded", "sleeping", "downloading"}


def model(name: str = "chat", phase: Phase = Phase.READY, **more: Any) -> ModelStatus:
    return ModelStatus(**{"name": name, "type": ModelType.TEXT, "engine": Engine.VLLM, "phase": phase, **more})


FAILURE = Failure(reason=Reason.CUDA_OUT_OF_MEMORY, message="no room", advice="use less", exit_code=137)
MODELS = st.lists(
    st.builds(model, st.sampled_from("abcd"), st.sampled_from(Phase)), unique_by=lambda one: one.name
).map(tuple)


def test_every_phase_has_one_of_the_routers_words() -> None:
    assert set(VALUES) == set(Phase)
    assert set(VALUES.values()) <= WORDS


def test_an_entry_is_an_openai_model_and_says_its_state() -> None:
    told = json.loads(listing((model(), model("eyes", type=ModelType.VISION)), 7))

    assert told["object"] == "list"
    assert told["data"][0]["status"] == {"value": "loaded"}
    assert {"id": "chat", "object": "model", "created": 7, "owned_by": "switchyard"}.items() <= told["data"][
        0
    ].items()
    assert told["data"][1]["architecture"] == {
        "input_modalities": ["text", "image"],
        "output_modalities": ["text"],
    }


def test_a_model_that_edits_pictures_takes_some() -> None:
    paint = model(type=ModelType.IMAGE, capabilities=(Capability.IMAGE_EDITS,))

    assert entry(paint, 7)["architecture"]["input_modalities"] == ("text", "image")


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.STOPPED], ids=["its engine", "its files"])
def test_a_model_that_failed_is_unloaded_and_says_why(phase: Phase) -> None:
    told = status(model(phase=phase, failure=FAILURE))

    assert told["value"] == "unloaded"
    assert told["failed"] is True
    assert told["exit_code"] == 137
    assert "no room" in told["message"]


def test_a_failure_that_is_over_is_not_told() -> None:
    assert status(model(failure=FAILURE)) == {"value": "loaded"}


@pytest.mark.parametrize(
    ("words", "share"),
    [("42%", 0.42), ("shards 3/4", 0.75), ("shard 1 of 2", 0.5), ("150 %", 1.0), ("0/0", None), ("soon", None)],
)
def test_progress_is_a_share_where_the_engines_words_have_one(words: str, share: float | None) -> None:
    told = status(model(phase=Phase.LOADING, progress=words))

    assert told.get("progress", {}).get("value") == share


@given(before=MODELS, after=MODELS)
def test_a_client_that_follows_the_news_knows_every_state(before: tuple, after: tuple) -> None:
    known = {one.name: VALUES[one.phase] for one in before}

    for told in documents(news(before, after)):
        match told:
            case {"event": "model_remove", "model": name}:
                del known[name]
            case {"event": "model_status", "model": name, "data": {"status": value}}:
                known[name] = value
            case {"event": "models_reload", "model": "*"}:
                pass
            case _:
                pytest.fail(f"no client knows {told}")

    assert known == {one.name: VALUES[one.phase] for one in after}


@given(models=MODELS)
def test_no_change_is_no_news(models: tuple) -> None:
    assert news(models, models) == b""


def test_a_model_that_is_new_makes_clients_read_the_list_again() -> None:
    told = documents(news((model(),), (model(), model("eyes"))))

    assert [one["event"] for one in told] == ["models_reload", "model_status"]


def test_who_comes_anew_hears_every_state_and_need_read_no_list() -> None:
    told = documents(news((), (model(), model("eyes"))))

    assert [one["event"] for one in told] == ["model_status", "model_status"]


def test_progress_is_news_even_where_the_state_is_the_same() -> None:
    [told] = documents(news((model(phase=Phase.LOADING),), (model(phase=Phase.LOADING, progress="10%"),)))

    assert told["data"]["status"] == "loading"
    assert told["data"]["progress"]["value"] == 0.1


def test_an_order_that_was_taken_is_a_success() -> None:
    assert json.loads(SUCCESS) == {"success": True}


def test_a_model_whose_files_are_fetched_is_downloading_and_shows_how_far_it_is() -> None:
    files = FilesStatus(at=FilesAt.FETCHING, done_bytes=31, total_bytes=82)
    fetched = model(phase=Phase.STOPPED, files=files, progress="downloading 3.1 of 8.2 GB, 38 %")

    told = status(fetched)

    assert told["value"] == "downloading"
    assert told["progress"]["value"] == 0.38
    assert status(model(phase=Phase.READY, files=files))["value"] == "loaded"
