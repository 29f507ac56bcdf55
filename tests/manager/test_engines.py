"""From a model of the catalog to the program or container that serves it, word for word."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.catalog import Engine, Model, read_catalog
from switchyard_contracts.errors import Reason
from switchyard_manager.engines import ADAPTERS, Probe, Run, Share, vllm_caches
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places, RuntimeChoice
from switchyard_manager.runtimes import (
    AnySpec,
    Bind,
    ContainerSpec,
    ExistingSpec,
    Exit,
    Kind,
    Listen,
    ProcessSpec,
)

PYTHON = sys.executable
HUB_INSIDE = {
    "HF_HUB_CACHE": "/cache/huggingface/hub",
    "HF_HOME": "/tmp/huggingface",  # noqa: S108 - inside a container
    "HF_HUB_OFFLINE": "1",
}
AT_ONCE = ("--shutdown-timeout", "0")
MARKED = {"SPT_NOENV": "1"}
VLLM_ENV = {"VLLM_NO_USAGE_STATS": "1", "VLLM_ENGINE_READY_TIMEOUT_S": "86400"}
HERE = Listen("127.0.0.1", 1234)
INSIDE = Listen("0.0.0.0", 8000)
GPUS = ("GPU-11111111-2222-3333-4444-555555555555", "GPU-66666666-2222-3333-4444-555555555555")
PICTURE = {"type": "image", "engine": "image-server", "path": "weights"}
FOREIGN = {"type": "text", "engine": "container", "image": "ghcr.io/other/server:1", "port": 9000}
EXISTING = {"container": "my-llm", "port": 8001}


def model_of(**said: Any) -> Model:
    entry = {"type": "text", **said} if {"path", "repo", "image", "container"} & set(said) else said
    entry = entry if entry is not said else {"type": "text", "repo": "org/model", **said}
    return read_catalog(json.dumps({"models": {"m": entry}})).models["m"]


def run_of(kind: Kind = Kind.PROCESS, **said: Any) -> Run:
    return Run("m-1", "hash", kind, HERE if kind is Kind.PROCESS else INSIDE, **said)


def spec_of(model: Model, run: Run, places: Places) -> AnySpec:
    return ADAPTERS[model.engine].spec(model, run, places)


def process_of(model: Model, places: Places, **said: Any) -> ProcessSpec:
    spec = spec_of(model, run_of(Kind.PROCESS, **said), places)
    assert isinstance(spec, ProcessSpec)
    return spec


def container_of(model: Model, places: Places, **said: Any) -> ContainerSpec:
    spec = spec_of(model, run_of(Kind.DOCKER, **said), places)
    assert isinstance(spec, ContainerSpec)
    return spec


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "demo" / "chat").mkdir(parents=True)
    (tmp_path / "weights").mkdir()
    hub = tmp_path / "hf"
    return Places(tmp_path / "models.json", tmp_path, image_server=PYTHON, vllm=PYTHON, hf_cache=hub)


@pytest.fixture
def bare(tmp_path: Path) -> Places:
    """A machine on which no engine is installed."""
    hub = tmp_path / "hf"
    return Places(tmp_path / "models.json", tmp_path, image_server="no-such-1", vllm="no-such-2", hf_cache=hub)


def hub_of(places: Places) -> dict[str, str]:
    """What a process is told of the Hub."""
    return {"HF_HOME": str(places.hf_cache), "HF_HUB_CACHE": str(places.hub), "HF_HUB_OFFLINE": "1"}


def choosing(places: Places, runtime: RuntimeChoice) -> Places:
    return replace(places, runtime=runtime)


def test_every_engine_has_an_adapter() -> None:
    assert set(ADAPTERS) == set(Engine)


# Where it runs.


@pytest.mark.parametrize("said", [{}, PICTURE])
def test_what_is_installed_runs_as_a_process_and_what_is_not_in_a_container(
    said: dict[str, Any], places: Places, bare: Places
) -> None:
    model = model_of(**said)

    assert ADAPTERS[model.engine].kind(model, places) is Kind.PROCESS
    assert ADAPTERS[model.engine].kind(model, bare) is Kind.DOCKER


@pytest.mark.parametrize("runtime", ["docker", "process"])
def test_the_operators_choice_goes_before_what_is_installed(
    runtime: RuntimeChoice, places: Places, bare: Places
) -> None:
    model = model_of()

    for machine in (places, bare):
        assert ADAPTERS[model.engine].kind(model, choosing(machine, runtime)) is Kind(runtime)


@pytest.mark.parametrize("said", [{"repo": "org/model", "image": "mine:1"}, FOREIGN, EXISTING])
def test_what_only_a_container_can_give_goes_into_one_whatever_was_chosen(
    said: dict[str, Any], places: Places
) -> None:
    model = model_of(**said)

    for runtime in ("auto", "docker", "process"):
        assert ADAPTERS[model.engine].kind(model, choosing(places, runtime)) is Kind.DOCKER


def test_mounts_call_for_a_container_unless_the_operator_forbids_it(places: Places) -> None:
    model = model_of(mounts=[{"source": "templates", "target": "/templates"}])

    assert ADAPTERS[Engine.VLLM].kind(model, places) is Kind.DOCKER
    assert ADAPTERS[Engine.VLLM].kind(model, choosing(places, "process")) is Kind.PROCESS
    with pytest.raises(EngineFailed, match="its mounts need a container") as refused:
        process_of(model, places)
    assert refused.value.failure.reason is Reason.BAD_ENGINE_ARGUMENT


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"repo": "org/model", "image": "mine:1"}, "the image 'mine:1'"),
        (PICTURE | {"image": "mine:1"}, "the image 'mine:1'"),
        (FOREIGN, "the image 'ghcr.io/other/server:1'"),
        (EXISTING, "the container 'my-llm'"),
    ],
)
def test_a_process_is_never_started_in_place_of_a_container(
    said: dict[str, Any], wanted: str, places: Places
) -> None:
    with pytest.raises(EngineFailed, match=f"^cannot start m: it needs {wanted}, and .* processes") as refused:
        spec_of(model_of(**said), run_of(Kind.PROCESS), places)

    assert refused.value.failure.reason is Reason.RUNTIME_UNAVAILABLE


# vLLM.


def test_vllm_as_a_process_on_no_gpu(places: Places, tmp_path: Path) -> None:
    spec = process_of(model_of(path="state:demo/chat", gpus=0), places)

    assert spec == ProcessSpec(
        instance="m-1",
        model="m",
        spec_hash="hash",
        command=(
            *(PYTHON, "serve", str(tmp_path / "demo" / "chat"), "--served-model-name", "m"),
            *("--host", "127.0.0.1", "--port", "1234", *AT_ONCE),
        ),
        listen=HERE,
        env=VLLM_ENV | MARKED | hub_of(places) | {"CUDA_VISIBLE_DEVICES": ""},
    )


def test_vllm_as_a_process_on_a_part_of_one_gpu(places: Places) -> None:
    model = model_of(context_length=8192, vram_mib=9000, revision="abc", repo="org/model")

    spec = process_of(model, places, gpus=GPUS[:1], share=Share(9000, 24_564))

    assert spec.command == (
        *(PYTHON, "serve", "org/model", "--served-model-name", "m", "--host", "127.0.0.1", "--port", "1234"),
        *("--revision", "abc", "--max-model-len", "8192", "--gpu-memory-utilization", "0.37"),
        *(*AT_ONCE, "--enable-sleep-mode"),
    )
    assert spec.gpus == GPUS[:1]
    assert spec.env == VLLM_ENV | MARKED | hub_of(places) | {
        "VLLM_SERVER_DEV_MODE": "1",
        "CUDA_VISIBLE_DEVICES": GPUS[0],
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }


def test_vllm_in_a_container_on_two_gpus(places: Places, tmp_path: Path) -> None:
    model = model_of(
        path="weights",
        gpus=2,
        engine_args={"max_num_seqs": 8, "enforce_eager": True, "enable_prefix_caching": False},
        extra_args=["--seed", "1"],
        mounts=[{"source": "state:t", "target": "/t"}, {"source": "/out", "target": "/o", "read_only": False}],
        env={"A": "b"},
    )

    spec = container_of(model, places, gpus=GPUS, share=Share(20_000, 24_000))

    assert spec == ContainerSpec(
        instance="m-1",
        model="m",
        spec_hash="hash",
        gpus=GPUS,
        image="vllm/vllm-openai:v0.32.0",
        port=8000,
        command=(
            *("/switchyard/weights", "--served-model-name", "m", "--host", "0.0.0.0", "--port", "8000"),
            *("--max-model-len", "auto", "--gpu-memory-utilization", "0.84"),
            *("--tensor-parallel-size", "2", "--max-num-seqs", "8", "--enforce-eager"),
            *("--no-enable-prefix-caching", *AT_ONCE, "--enable-sleep-mode", "--seed", "1"),
        ),
        env={
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_ENGINE_READY_TIMEOUT_S": "86400",
            "VLLM_SERVER_DEV_MODE": "1",
            **HUB_INSIDE,
            **vllm_caches.environment("vllm/vllm-openai:v0.32.0"),
            "A": "b",
        },
        binds=(
            Bind(str(tmp_path / "weights"), "/switchyard/weights"),
            Bind(str(places.hub), "/cache/huggingface/hub"),
            Bind(str(tmp_path / "t"), "/t"),
            Bind("/out", "/o", read_only=False),
        ),
        volumes={"switchyard-vllm": "/cache/vllm"},
        shm_mib=8192,
    )


def test_what_was_downloaded_is_read_by_every_engine_and_written_by_none(places: Places) -> None:
    """Only the part with the repositories: the Hub's libraries keep a token beside it."""
    inside, beside = container_of(model_of(), places), process_of(model_of(), places)

    assert inside.command[0] == "org/model"
    assert inside.binds == (Bind(str(places.hub), "/cache/huggingface/hub", read_only=True),)
    assert inside.volumes == {"switchyard-vllm": "/cache/vllm"}
    assert inside.env.items() >= HUB_INSIDE.items()
    assert (beside.env["HF_HOME"], beside.env["HF_HUB_OFFLINE"]) == (str(places.hf_cache), "1")
    assert beside.env["HF_HUB_CACHE"] == str(places.hub)


def test_who_must_ask_the_hub_all_the_same_may(places: Places) -> None:
    asking = model_of(env={"HF_HUB_OFFLINE": "0"})

    assert container_of(asking, places).env["HF_HUB_OFFLINE"] == "0"
    assert process_of(asking, places).env["HF_HUB_OFFLINE"] == "0"


def test_a_cache_that_cannot_be_made_is_told_before_the_engine_starts(places: Places, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(EngineFailed, match="SWITCHYARD_HF_CACHE"):
        container_of(model_of(), replace(places, hf_cache=tmp_path / "file"))


def test_a_single_file_of_weights_keeps_its_name_in_the_container(places: Places, tmp_path: Path) -> None:
    (tmp_path / "weights" / "q4.gguf").touch()

    spec = container_of(model_of(path="weights/q4.gguf"), places)

    assert spec.command[0] == "/switchyard/weights/q4.gguf"
    assert spec.binds[0] == Bind(str(tmp_path / "weights" / "q4.gguf"), "/switchyard/weights/q4.gguf")


def test_a_models_own_image_replaces_the_usual_one(places: Places) -> None:
    assert container_of(model_of(repo="org/model", image="mine:1"), places).image == "mine:1"
    assert container_of(model_of(**PICTURE, image="mine:2"), places).image == "mine:2"


@pytest.mark.parametrize(
    ("claim", "total", "share"),
    [(1, 24_564, "0.01"), (12_000, 24_000, "0.50"), (12_001, 24_000, "0.51"), (25_000, 24_000, "1.00")],
)
def test_a_claim_becomes_a_share_that_is_never_less(claim: int, total: int, share: str, places: Places) -> None:
    command = process_of(model_of(), places, gpus=GPUS[:1], share=Share(claim, total)).command

    assert command[command.index("--gpu-memory-utilization") + 1] == share


def test_a_share_that_the_operator_wrote_is_the_only_one(places: Places) -> None:
    model = model_of(engine_args={"gpu_memory_utilization": 0.4})

    command = process_of(model, places, gpus=GPUS[:1], share=Share(12_000, 24_000)).command

    assert command.count("--gpu-memory-utilization") == 1
    assert command[command.index("--gpu-memory-utilization") + 1] == "0.4"


def test_the_share_stands_beside_an_exact_cache_because_vllm_checks_it_all_the_same(places: Places) -> None:
    model = model_of(engine_args={"kv_cache_memory_bytes": 2**30})

    command = process_of(model, places, gpus=GPUS[:1], share=Share(12_000, 24_000)).command

    assert {"--gpu-memory-utilization", "--kv-cache-memory-bytes"} <= set(command)


def test_where_nothing_is_known_of_the_memory_vllm_keeps_its_default(places: Places) -> None:
    assert "--gpu-memory-utilization" not in process_of(model_of(), places, gpus=GPUS[:1]).command


@pytest.mark.parametrize("name", ["tensor", "pipeline", "data"])
def test_parallel_sizes_that_the_operator_wrote_are_left_alone(name: str, places: Places) -> None:
    model = model_of(gpus=2, engine_args={f"{name}_parallel_size": 2})

    command = process_of(model, places, gpus=GPUS).command

    assert [word for word in command if word.endswith("-parallel-size")] == [f"--{name}-parallel-size"]


def test_gpus_that_the_run_was_given_are_split_even_if_the_catalog_says_nothing_of_them(
    places: Places,
) -> None:
    assert "--tensor-parallel-size" not in process_of(model_of(), places, gpus=GPUS[:1]).command
    assert "--tensor-parallel-size" in process_of(model_of(), places, gpus=GPUS).command


def test_a_context_that_nobody_wrote_is_what_fits_the_gpu(places: Places) -> None:
    plain, pooling = model_of(), model_of(engine_args={"runner": "pooling"})

    assert "--max-model-len" not in process_of(plain, places).command
    assert "--max-model-len" not in process_of(pooling, places, gpus=GPUS[:1]).command
    assert "auto" in process_of(plain, places, gpus=GPUS[:1]).command


def test_an_argument_that_is_an_object_is_passed_as_json(places: Places) -> None:
    command = process_of(model_of(engine_args={"limit_mm_per_prompt": {"image": 4}}), places).command

    assert command[command.index("--limit-mm-per-prompt") + 1] == '{"image": 4}'


def test_vllm_is_never_asked_to_sleep_where_that_would_end_it(places: Places) -> None:
    without_gpu = process_of(model_of(), places)
    forbidden = process_of(model_of(sleep="off"), places, gpus=GPUS[:1])

    for spec in (without_gpu, forbidden):
        assert "--enable-sleep-mode" not in spec.command
        assert "VLLM_SERVER_DEV_MODE" not in spec.env


def test_vllm_never_gives_up_before_we_do_and_its_compiled_code_keeps_its_name(places: Places) -> None:
    """The limit is one of the variables by which vLLM names what it compiles."""
    short, long = (process_of(model_of(startup_timeout_s=limit), places).env for limit in (60, 80_000))

    assert short == long
    assert int(long["VLLM_ENGINE_READY_TIMEOUT_S"]) > 80_000


def test_what_a_container_compiles_is_kept_apart_by_the_image_that_compiled_it(places: Places) -> None:
    usual, other = (
        container_of(model_of(), places),
        container_of(model_of(repo="o/m", image="x/y@sha256:1"), places),
    )

    for name in (
        "VLLM_CACHE_ROOT",
        "TRITON_CACHE_DIR",
        "FLASHINFER_WORKSPACE_BASE",
        "DG_JIT_CACHE_DIR",
        "PYTHONPYCACHEPREFIX",
    ):
        assert usual.env[name].startswith("/cache/vllm/vllm-vllm-openai-v0.32.0")
        assert other.env[name].startswith("/cache/vllm/x-y-sha256-1")
    assert usual.volumes["switchyard-vllm"] == other.volumes["switchyard-vllm"] == "/cache/vllm"


def test_a_program_keeps_the_caches_that_it_has_on_this_machine(places: Places) -> None:
    kept = {"VLLM_CACHE_ROOT", "TRITON_CACHE_DIR", "PYTHONPYCACHEPREFIX"}

    assert not kept & set(process_of(model_of(), places).env)


# The image server.


def test_the_image_server_as_a_process(places: Places, tmp_path: Path) -> None:
    model = model_of(
        path="state:demo/chat",
        engine="image-server",
        context_length=99,
        engine_args={"device": "cpu", "max_new_tokens": 7},
        extra_args=["--log-level", "debug"],
    )

    spec = process_of(model, places)

    assert spec.command == (
        *(PYTHON, "--model", str(tmp_path / "demo" / "chat"), "--served-model-name", "m"),
        *("--host", "127.0.0.1", "--port", "1234", "--max-model-len", "99", "--device", "cpu"),
        *("--max-new-tokens", "7", "--log-level", "debug"),
    )
    assert spec.env == hub_of(places)


def test_the_image_server_in_a_container(places: Places) -> None:
    model = model_of(type="image", repo="Qwen/Qwen-Image", revision="v2", engine_args={"steps": 8})

    assert container_of(model, places, gpus=GPUS[:1]) == ContainerSpec(
        instance="m-1",
        model="m",
        spec_hash="hash",
        gpus=GPUS[:1],
        image="switchyard-image-server:latest",
        port=8000,
        command=(
            *("--model", "Qwen/Qwen-Image", "--served-model-name", "m"),
            *("--host", "0.0.0.0", "--port", "8000", "--revision", "v2", "--steps", "8"),
        ),
        env=HUB_INSIDE,
        binds=(Bind(str(places.hub), "/cache/huggingface/hub"),),
        shm_mib=8192,
    )


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        ({"compile": True, "fetch_media": True}, ("--compile", "--fetch-media")),
        ({"compile": False, "fetch_media": False}, ()),
        ({"park": False}, ("--no-park",)),
        ({"park": True}, ()),
        (
            {"memory": "encoder-swap", "quantization": "fp8"},
            ("--memory", "encoder-swap", "--quantization", "fp8"),
        ),
        (
            {"lora": {"fast": "org/lightning:0.8", "ink": "/loras/ink.safetensors"}},
            ("--lora", "fast=org/lightning:0.8", "--lora", "ink=/loras/ink.safetensors"),
        ),
        (
            {"max_vram_mib": 9000, "keep_results_s": 60.0},
            ("--max-vram-mib", "9000", "--keep-results-s", "60.0"),
        ),
    ],
)
def test_a_flag_of_the_image_server_in_the_form_that_it_reads(
    said: dict[str, Any], flags: tuple[str, ...], places: Places
) -> None:
    command = process_of(model_of(**PICTURE, engine_args=said), places).command

    assert sorted(command[command.index("--port") + 2 :]) == sorted(flags)


def test_labels_can_be_switched_off(places: Places) -> None:
    model = model_of(type="vision", path="weights", engine_args={"labels": False})

    assert process_of(model, places).command[-1] == "--no-labels"


def test_the_image_server_keeps_to_what_was_reserved_for_it(places: Places) -> None:
    command = process_of(model_of(**PICTURE, vram_mib=9000), places).command

    assert command[command.index("--max-vram-mib") + 1] == "9000"


def test_a_picture_model_that_may_not_sleep_keeps_no_copy_to_wake_from(places: Places) -> None:
    assert "--no-park" in process_of(model_of(**PICTURE, sleep="off"), places).command
    assert "--no-park" not in process_of(model_of(**PICTURE), places).command


@pytest.mark.parametrize("said", [{"sleep": "off"}, {"engine_args": {"park": False}}])
def test_the_image_server_sleeps_unless_it_may_not_or_cannot(said: dict[str, Any]) -> None:
    adapter = ADAPTERS[Engine.IMAGE_SERVER]

    calls = adapter.sleep(model_of(**PICTURE))

    assert calls is not None
    assert (calls.sleep.path, calls.wake.path, calls.asks.path) == ("/sleep", "/wake", "/is_sleeping")
    assert adapter.sleep(model_of(**PICTURE, **said)) is None


# Containers of others.


def test_a_foreign_image_gets_its_own_words_and_nothing_of_ours(places: Places, tmp_path: Path) -> None:
    ours = Places(places.catalog, places.state, PYTHON, PYTHON, hf_token="hf_hushed", hf_offline=True)
    model = model_of(**FOREIGN, extra_args=["--fast"], env={"A": "b"}, mounts=[{"source": "w", "target": "/w"}])

    spec = container_of(model, ours, gpus=GPUS, share=Share(1, 2), api_key="sk-1")

    assert spec == ContainerSpec(
        instance="m-1",
        model="m",
        spec_hash="hash",
        gpus=GPUS,
        image="ghcr.io/other/server:1",
        port=9000,
        command=("--fast",),
        env={"A": "b"},
        binds=(Bind(str(tmp_path / "w"), "/w"),),
        shm_mib=8192,
    )


def test_an_existing_container_is_only_named(places: Places) -> None:
    spec = spec_of(model_of(**EXISTING), run_of(Kind.DOCKER, gpus=GPUS[:1], api_key="sk-1"), places)

    assert spec == ExistingSpec(
        instance="m-1", model="m", spec_hash="hash", gpus=GPUS[:1], container="my-llm", port=8001
    )


# GPUs.


def test_gpus_named_by_uuid_count_even_where_nobody_could_choose(places: Places) -> None:
    model = model_of(gpus=list(GPUS))

    assert process_of(model, places).env["CUDA_VISIBLE_DEVICES"] == ",".join(GPUS)
    assert container_of(model, places).gpus == GPUS


def test_a_container_sees_its_gpus_by_the_runtimes_doing_alone(places: Places) -> None:
    assert "CUDA_VISIBLE_DEVICES" not in container_of(model_of(), places, gpus=GPUS).env


def test_a_model_of_which_nobody_said_anything_sees_what_is_there(places: Places) -> None:
    assert "CUDA_VISIBLE_DEVICES" not in process_of(model_of(), places).env


# Secrets.


@pytest.mark.parametrize(
    ("said", "variable"), [({}, "VLLM_API_KEY"), (PICTURE, "SWITCHYARD_IMAGE_SERVER_API_KEY")]
)
@pytest.mark.parametrize("kind", list(Kind))
def test_secrets_reach_the_engine_and_nobody_who_looks(
    said: dict[str, Any], variable: str, kind: Kind, places: Places
) -> None:
    trusted = Places(places.catalog, places.state, PYTHON, PYTHON, hf_token="hf_hushed")
    model = model_of(**said, env={"PLAIN": "seen", "MY_PASSWORD": "pw_hushed"})
    run = run_of(kind, api_key="sk_hushed")

    spec = spec_of(model, run, trusted)

    assert isinstance(spec, ProcessSpec | ContainerSpec)
    assert spec.secrets == {variable: "sk_hushed", "MY_PASSWORD": "pw_hushed"}
    assert "seen" in repr(spec)
    assert "hushed" not in f"{spec} {run} {trusted}"


def test_a_token_in_the_model_goes_before_the_managers(places: Places) -> None:
    trusted = Places(places.catalog, places.state, PYTHON, PYTHON, hf_token="hf_managers")

    spec = process_of(model_of(env={"HF_TOKEN": "hf_models"}), trusted)

    assert spec.secrets == {"HF_TOKEN": "hf_models"}
    assert "HF_TOKEN" not in spec.env


def test_a_token_file_is_read_anew_for_each_start(places: Places, tmp_path: Path) -> None:
    file = tmp_path / "token-of-the-hub"
    trusted = Places(places.catalog, places.state, PYTHON, PYTHON, hf_token="hf_old", hf_token_file=file)
    asks_the_hub = model_of(env={"HF_HUB_OFFLINE": "0"})

    with pytest.raises(EngineFailed, match=r"^cannot start m: cannot read the Hub.s token from"):
        process_of(asks_the_hub, trusted)
    file.write_text("hf_new\n")
    assert process_of(asks_the_hub, trusted).secrets == {"HF_TOKEN": "hf_new"}


@pytest.mark.parametrize("said", [{}, {"env": {"HF_HUB_OFFLINE": "1"}}, {"repo": "org/m", "type": "image"}])
@pytest.mark.parametrize("kind", Kind)
def test_an_engine_that_asks_the_hub_for_nothing_sees_no_token(
    kind: Kind, said: dict[str, Any], places: Places
) -> None:
    trusted = Places(places.catalog, places.state, PYTHON, PYTHON, hf_token="hf_managers")

    spec = spec_of(model_of(**said), run_of(kind), trusted)

    assert isinstance(spec, ProcessSpec | ContainerSpec)
    assert "hf_managers" not in {**spec.env, **spec.secrets}.values()


def test_requests_carry_the_runs_key_where_the_engine_asks_for_it() -> None:
    def headers(key: str, **said: Any) -> dict[str, str]:
        model = model_of(**said)
        return dict(ADAPTERS[model.engine].headers(model, key))

    assert headers("sk-1") == headers("sk-1", **PICTURE) == {"Authorization": "Bearer sk-1"}
    assert headers("") == headers("sk-1", **FOREIGN) == headers("sk-1", **EXISTING) == {}


# What this machine lacks.


def test_a_folder_that_is_not_there_is_told_before_anything_starts(places: Places) -> None:
    for kind in Kind:
        with pytest.raises(EngineFailed, match=r"^cannot start m: there is no .*nowhere") as caught:
            spec_of(model_of(path="nowhere"), run_of(kind), places)

        assert caught.value.failure.reason is Reason.MODEL_NOT_FOUND


@pytest.mark.parametrize("said", [{}, {"repo": "org/model", "type": "image"}])
def test_a_missing_program_says_how_to_get_it(bare: Places, said: dict[str, Any]) -> None:
    with pytest.raises(EngineFailed, match=r"is not installed here \(no-such-\d\).*install") as caught:
        process_of(model_of(**said), bare)

    assert caught.value.failure.reason is Reason.ENGINE_MISSING


# Probes.


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({}, "/v1/chat/completions"),
        ({"type": "vision", "path": "weights"}, "/v1/chat/completions"),
        ({"capabilities": ["vision"]}, "/v1/chat/completions"),
        ({"engine_args": {"runner": "pooling"}}, "/v1/embeddings"),
        ({"capabilities": ["rerank"]}, "/v1/rerank"),
        ({"capabilities": ["completions"]}, "/v1/completions"),
        (PICTURE, "/v1/images/generations"),
        (FOREIGN, "/v1/chat/completions"),
        (EXISTING, "/v1/chat/completions"),
    ],
)
def test_the_canary_is_one_real_inference_of_the_models_kind(said: dict[str, Any], path: str) -> None:
    model = model_of(**said)

    canary = ADAPTERS[model.engine].canary(model)

    assert canary is not None
    assert canary.path == path
    assert canary.body is not None
    assert canary.body["model"] == "m"


@pytest.mark.parametrize(
    "said",
    [
        {"capabilities": ["speech"]},
        {"capabilities": ["transcriptions"]},
        PICTURE | {"capabilities": ["image_edits"]},
        FOREIGN | {"type": "image"},
    ],
)
def test_where_no_inference_is_small_health_must_do(said: dict[str, Any]) -> None:
    model = model_of(**said)

    assert ADAPTERS[model.engine].canary(model) is None


def test_health_is_asked_where_every_server_of_the_kind_has_it() -> None:
    def health(**said: Any) -> str:
        model = model_of(**said)
        return ADAPTERS[model.engine].health(model).path

    assert (health(), health(**PICTURE)) == ("/health", "/health")
    assert (health(**FOREIGN), health(**EXISTING)) == ("/v1/models", "/v1/models")


def test_vllm_sleeps_at_level_one_unless_the_model_may_not() -> None:
    calls = ADAPTERS[Engine.VLLM].sleep(model_of())

    assert calls is not None
    assert (calls.sleep.method, calls.sleep.path, calls.sleep.timeout_s) == ("POST", "/sleep?level=1", 120)
    assert (calls.wake.method, calls.wake.path, calls.wake.timeout_s) == ("POST", "/wake_up", 120)
    assert (calls.asks, calls.key) == (Probe("/is_sleeping", 5.0), "is_sleeping")
    assert ADAPTERS[Engine.VLLM].sleep(model_of(sleep="off")) is None


@pytest.mark.parametrize("said", [FOREIGN, EXISTING])
def test_the_other_engines_cannot_sleep_and_count_nothing(said: dict[str, Any]) -> None:
    model = model_of(**said)
    adapter = ADAPTERS[model.engine]

    assert adapter.sleep(model) is None
    assert adapter.vitals(model) is None
    assert adapter.work_done("anything") is None


def test_vllm_counts_its_work_among_its_metrics() -> None:
    model = model_of()

    assert ADAPTERS[Engine.VLLM].vitals(model) == Probe("/metrics", 5.0)
    assert ADAPTERS[Engine.VLLM].work_done("vllm:iteration_tokens_total_count 3\n") == 3


def test_the_image_server_counts_its_work_where_prometheus_reads() -> None:
    adapter = ADAPTERS[Engine.IMAGE_SERVER]

    assert adapter.vitals(model_of(**PICTURE)) == Probe("/metrics", 5.0)
    assert adapter.work_done("switchyard_image_server_work_total 3.0\n") == 3


def test_what_vllm_holds_tells_its_need_only_if_its_cache_has_an_exact_size() -> None:
    def fills_its_share(**said: Any) -> bool:
        model = model_of(**said)
        return ADAPTERS[model.engine].takes_what_it_gets(model)

    assert fills_its_share()
    assert fills_its_share(engine_args={"kv_cache_dtype": "fp8"})
    assert not fills_its_share(engine_args={"kv_cache_memory_bytes": 2**30})
    assert not fills_its_share(**PICTURE)
    assert not fills_its_share(**FOREIGN)


@pytest.mark.parametrize("engine", list(Engine))
def test_every_adapter_reads_progress_and_ends(engine: Engine) -> None:
    adapter = ADAPTERS[engine]

    assert adapter.progress("Loading safetensors checkpoint shards:  43% Completed | 3/7") == "weights 43 %"
    failure = adapter.explain(model_of(), Exit(1, ("torch.OutOfMemoryError: CUDA out of memory.",)))
    assert failure.reason is Reason.CUDA_OUT_OF_MEMORY


@pytest.mark.parametrize("entry", [{}, PICTURE, FOREIGN], ids=["vllm", "image-server", "container"])
def test_what_the_operator_says_of_a_gpus_devices_reaches_every_container(
    entry: dict[str, Any], places: Places
) -> None:
    devices = {GPUS[0]: ("/dev/dri/card1",)}

    assert container_of(model_of(**entry), places, gpus=GPUS[:1], devices=devices).devices == devices
