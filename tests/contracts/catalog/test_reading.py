"""What a catalog that is accepted says: the forms of the file, what defaults add, what follows from what."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from switchyard_contracts.catalog import (
    Capability,
    Catalog,
    ContainerArgs,
    Engine,
    ImageServerArgs,
    Model,
    ModelType,
    Mount,
    SleepPolicy,
    VllmArgs,
    read_catalog,
)
from tests.contracts.catalog.samples import GPU_A, GPU_B, args, container, image, model


def read(file: dict[str, Any]) -> Catalog:
    return read_catalog(json.dumps(file))


def only(file: dict[str, Any]) -> Model:
    (one,) = read(file).models.values()
    return one


def test_the_flat_short_form_names_existing_containers() -> None:
    catalog = read(
        {
            "$schema": "./models.schema.json",
            "llama3": {"container": "vllm-llama3-8b", "port": 8001, "type": "text"},
            "flux": {"container": "flux", "port": 8002, "type": "image"},
        }
    )

    llama = catalog.models["llama3"]
    assert (llama.container, llama.port, llama.engine) == ("vllm-llama3-8b", 8001, Engine.CONTAINER)
    assert llama.engine_args == ContainerArgs()
    assert catalog.models["flux"].capabilities == (Capability.IMAGES,)


def test_the_short_form_means_text_where_it_names_no_type() -> None:
    assert only({"llama3": {"container": "box", "port": 8001}}).type is ModelType.TEXT
    assert only(container()).type is ModelType.TEXT


def test_the_short_form_stands_among_other_models() -> None:
    file = {"models": {**model()["models"], "b": {"container": "box", "port": 8001, "type": "text"}}}

    assert [found.engine for found in read(file).models.values()] == [Engine.VLLM, Engine.CONTAINER]


def test_models_keep_the_order_of_the_file() -> None:
    names = ["zebra", "ant", "moose"]

    catalog = read({name: {"container": name, "port": 8000 + index} for index, name in enumerate(names)})

    assert list(catalog.models) == names


@pytest.mark.parametrize(
    ("file", "engine", "kind"),
    [
        (model(), Engine.VLLM, VllmArgs),
        (model(type="vision"), Engine.IMAGE_SERVER, ImageServerArgs),
        (image(), Engine.IMAGE_SERVER, ImageServerArgs),
        (model(type="vision", engine="vllm"), Engine.VLLM, VllmArgs),
        (model(engine="image-server"), Engine.IMAGE_SERVER, ImageServerArgs),
        (container(), Engine.CONTAINER, ContainerArgs),
        (model(repo=..., engine="container", image="x", port=1), Engine.CONTAINER, ContainerArgs),
    ],
)
def test_the_engine_follows_from_the_type_unless_it_is_said(
    file: dict[str, Any], engine: Engine, kind: type
) -> None:
    found = only(file)

    assert found.engine is engine
    assert type(found.engine_args) is kind


@pytest.mark.parametrize(
    ("file", "capabilities"),
    [
        (model(repo="org/unheard-of"), ["chat", "completions"]),
        (model(repo="Qwen/Qwen3-8B"), ["chat", "completions", "tools", "reasoning"]),
        (model(repo="BAAI/bge-m3"), ["embeddings", "rerank"]),
        (model(repo="BAAI/bge-reranker-v2-m3"), ["rerank"]),
        (model(repo="BAAI/bge-m3", engine="image-server"), ["chat"]),
        (model(type="vision"), ["chat", "vision"]),
        (model(type="vision", engine="vllm", repo="org/eyes"), ["chat", "completions", "vision"]),
        (image(), ["images"]),
        (args(runner="pooling"), ["embeddings", "rerank"]),
        (args(runner="pooling", convert="classify"), ["rerank"]),
        (args(reasoning_parser="none", enable_auto_tool_choice=False), ["chat", "completions"]),
        (
            args(enable_auto_tool_choice=True, tool_call_parser="hermes", reasoning_parser="qwen3"),
            ["chat", "completions", "tools", "reasoning"],
        ),
        (container(capabilities=["transcriptions"]), ["transcriptions"]),
    ],
)
def test_capabilities_follow_from_type_and_flags_unless_they_are_said(
    file: dict[str, Any], capabilities: list[str]
) -> None:
    assert list(only(file).capabilities) == capabilities


def test_what_is_left_out_has_its_default() -> None:
    found = only(model())

    assert (found.idle_unload_s, found.startup_timeout_s, found.drain_limit_s) == (900, 600, None)
    assert (found.priority, found.pinned, found.preload) == (0, False, False)
    assert (found.sleep, found.gpus, found.vram_mib) == (SleepPolicy.AUTO, None, None)


def test_settings_have_defaults_and_may_be_changed_one_by_one() -> None:
    assert read(model()).settings.vram_reserve_mib == 512

    settings = read({"settings": {"max_wait_s": 60}} | model()).settings

    assert (settings.max_wait_s, settings.min_resident_s) == (60, 30)


def test_a_model_takes_the_defaults_that_it_does_not_set_itself() -> None:
    file = {"defaults": {"idle_unload_s": 60, "priority": 5, "preload": True}} | model(priority=1)

    found = only(file)

    assert (found.idle_unload_s, found.priority, found.preload) == (60, 1, True)


def test_null_in_a_model_is_a_choice_and_outdoes_a_default() -> None:
    assert only({"defaults": {"idle_unload_s": 60}} | model(idle_unload_s=None)).idle_unload_s is None


def test_the_environment_is_joined_name_by_name() -> None:
    file = {"defaults": {"env": {"A": "1", "B": "1"}}} | model(env={"B": "2"})

    assert only(file).env == {"A": "1", "B": "2"}


def test_a_default_that_does_not_fit_a_model_is_left_out_for_it() -> None:
    defaults = {"env": {"A": "1"}, "mounts": [{"source": "/a", "target": "/a"}], "context_length": 4096}

    box, picture = only({"defaults": defaults} | container()), only({"defaults": defaults} | image())

    assert (box.env, box.mounts) == ({}, ())
    assert (picture.env, picture.context_length) == ({"A": "1"}, None)


def test_a_mount_is_read_only_unless_it_says_otherwise() -> None:
    mounts = [{"source": "~/a", "target": "/a"}, {"source": "b", "target": "/b", "read_only": False}]

    closed, opened = only(model(mounts=mounts)).mounts

    assert closed == Mount(source="~/a", target="/a", read_only=True)
    assert opened == Mount(source="b", target="/b", read_only=False)


def test_vllm_splits_a_model_over_the_gpus_it_is_given() -> None:
    for gpus in (2, [GPU_A, GPU_B]):
        assert only(model(gpus=gpus)).engine_args == VllmArgs(tensor_parallel_size=2)


def test_vllm_splits_over_what_the_other_sizes_leave() -> None:
    found = only(model(gpus=4, engine_args={"pipeline_parallel_size": 2}))

    assert found.engine_args == VllmArgs(tensor_parallel_size=2, pipeline_parallel_size=2)


def test_a_model_is_given_as_many_gpus_as_its_sizes_ask_for() -> None:
    assert only(args(tensor_parallel_size=2, data_parallel_size=2)).gpus == 4
    assert only(args(max_num_seqs=4)).gpus is None


def test_memory_may_be_declared_for_any_engine() -> None:
    for file in (model(vram_mib=8000), image(vram_mib=8000), container(vram_mib=8000)):
        assert only(file).vram_mib == 8000


def test_gpus_that_are_only_described_may_be_used() -> None:
    file = {"gpus": [{"uuid": GPU_A, "name": "left", "vram_mib": 24000}]} | model(gpus=[GPU_A, GPU_B])

    assert only(file).gpus == (GPU_A, GPU_B)


def test_flags_we_do_not_know_pass_word_by_word() -> None:
    flags = ["--max-logprobs", "5", "--chat-template-content-format=open ai", "-O3", "-"]

    assert only(model(extra_args=flags)).extra_args == tuple(flags)


def test_a_container_of_ones_own_may_be_passed_anything() -> None:
    flags = ["-m", "/models/a.gguf", "--host", "0.0.0.0", "--port", "80"]

    found = only(model(repo=..., engine="container", image="x", port=80, extra_args=flags))

    assert found.extra_args == tuple(flags)


@pytest.mark.parametrize("path", ["/srv/a", "~/a", "~", "a/b", "../a", "state:demo/chat", r"C:\models\a"])
def test_a_path_stays_as_the_operator_wrote_it(path: str) -> None:
    assert only(model(repo=..., path=path)).path == path


def test_notes_are_left_out_wherever_they_stand() -> None:
    notes = {"//": "mine", "// more": [1], "$comment": {"a": {}}}
    file = {**notes, "settings": notes, "models": {**notes, "a": {**model(env=notes)["models"]["a"], **notes}}}

    assert read(file).models == read(model()).models


def test_two_notes_in_one_place_are_no_duplicate() -> None:
    catalog = read_catalog('{"//": "one", "//": "two", "a": {"container": "x", "port": 1}}')

    assert list(catalog.models) == ["a"]


def test_a_byte_order_mark_is_no_fault() -> None:
    assert read_catalog("\ufeff" + json.dumps(model())) == read(model())


def test_a_model_is_found_by_name_and_by_alias() -> None:
    catalog = read(model(aliases=["gpt-4o", "qwen/qwen3:8b"]))

    assert catalog.find("a") is catalog.models["a"]
    assert catalog.find("qwen/qwen3:8b") is catalog.models["a"]
    assert catalog.find("b") is None


def test_a_model_made_by_hand_is_completed_like_one_from_the_file() -> None:
    made = Model(name="a", type=ModelType.VISION, path="/a", engine_args={"device": "cpu"})

    assert made.engine_args == ImageServerArgs(device="cpu")
    assert made == only(model(type="vision", repo=..., path="/a", engine_args={"device": "cpu"}))


def test_a_catalog_cannot_be_changed_once_it_is_read() -> None:
    catalog = read(model())

    with pytest.raises(ValidationError):
        catalog.models["a"].priority = 5
