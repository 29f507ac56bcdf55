"""Every word that we may say to vLLM, read by the real one: its own parser, its own lists of parsers, its own
names.

One process for all of it (ten seconds, most of them imports); no engine is started.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.catalog import Engine, Model, VllmArgs, read_catalog
from switchyard_contracts.catalog.families import FAMILIES, TEMPLATES
from switchyard_manager.engines import ADAPTERS, Run, Share
from switchyard_manager.places import Places
from switchyard_manager.runtimes import ContainerSpec, Kind, Listen
from tests.vllm_on_cpu import environment
from tests.vllm_on_cpu.adapter import make_adapter
from tests.vllm_on_cpu.fixtures import MakeTiny
from tests.vllm_on_cpu.tiny_model import Tiny

KNOWS = Path(environment.__file__).with_name("knows.py")
GPUS = ("GPU-11111111-2222-3333-4444-555555555555", "GPU-66666666-2222-3333-4444-555555555555")
WRITTEN: dict[str, Any] = {  # every flag of the catalog that may stand beside the others
    "dtype": "float16",
    "quantization": "awq",
    "kv_cache_dtype": "fp8",
    "max_num_seqs": 8,
    "max_num_batched_tokens": 4096,
    "enforce_eager": True,
    "enable_prefix_caching": False,
    "trust_remote_code": False,
    "enable_auto_tool_choice": True,
    "tool_call_parser": "hermes",
    "reasoning_parser": "qwen3",
    "chat_template": "/t.jinja",
    "tokenizer": "org/tokenizer",
    "load_format": "safetensors",
    "limit_mm_per_prompt": {"image": 4, "video": 0},
    "mm_processor_kwargs": {"max_pixels": 1_003_520},
    "kv_cache_memory_bytes": 2**30,
    "data_parallel_size": 1,
    "pipeline_parallel_size": 1,
    "tensor_parallel_size": 2,
}
STARTER = [
    model
    for model in read_catalog((Path(__file__).parents[3] / "models.json").read_text("utf-8")).models.values()
    if model.engine is Engine.VLLM
]
OWN_ENV = {model.name for model in STARTER if model.env}
POOLED = {"runner": "pooling", "convert": "embed", "gpu_memory_utilization": 0.5}
ADAPTED = {"max_lora_rank": 64, "max_loras": 2}


def model_of(**said: Any) -> Model:
    entry = {"type": "text", "engine": "vllm", **said}
    return read_catalog(json.dumps({"models": {"my/model": entry}})).models["my/model"]


def container_of(model: Model, places: Places, **said: Any) -> ContainerSpec:
    run = Run("m-1", "hash", Kind.DOCKER, Listen("0.0.0.0", 8000), **said)
    spec = ADAPTERS[model.engine].spec(model, run, places)
    assert isinstance(spec, ContainerSpec)
    return spec


@pytest.fixture(scope="module")
def adapter(tiny: MakeTiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    wanted = Tiny("tiny-plain")
    tiny(wanted)
    folder = tmp_path_factory.mktemp("adapter") / "sql"
    make_adapter(folder, wanted)
    return folder


@pytest.fixture(scope="module")
def specs(adapter: Path, tiny: MakeTiny, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ContainerSpec]:
    folder = tmp_path_factory.mktemp("places")
    places = Places(folder / "models.json", folder, "-", "-", hf_cache=folder / "hf")
    one_gpu = {"gpus": GPUS[:1], "share": Share(9_000, 24_564)}
    adapters = {
        "sql": {"lora": {"path": str(adapter)}},
        "rag": {"lora": {"repo": "org/rag"}, "request": {"set": {"temperature": 0}}},
    }
    return {
        "plain": container_of(model_of(repo="org/plain"), places),
        "measured": container_of(
            model_of(repo="Qwen/Qwen3-8B", revision="v1"), places, beside_cache_mib=6_000, **one_gpu
        ),
        "written": container_of(
            model_of(type="vision", repo="org/m", context_length=8192, gpus=2, engine_args=WRITTEN),
            places,
            gpus=GPUS,
            share=Share(20_000, 24_000),
        ),
        "pooled": container_of(
            model_of(repo="org/m", engine_args=POOLED, startup_timeout_s=9_000),
            places,
            gpus=GPUS[:1],
            share=Share(9_000, 24_000),
        ),
        "by its files": container_of(model_of(path=str(tiny(Tiny("tiny-plain")))), places),
        "adapters": container_of(
            model_of(path=str(tiny(Tiny("tiny-plain"))), variants=adapters), places, **one_gpu
        ),
        "adapters as written": container_of(
            model_of(repo="org/m", variants=adapters, engine_args=ADAPTED), places, **one_gpu
        ),
        **{model.name: container_of(model, places, **one_gpu) for model in STARTER},
    }


@pytest.fixture(scope="module")
def told(specs: dict[str, ContainerSpec], vllm_is_here: None) -> dict[str, Any]:
    """What the real vLLM says to all of it."""
    environments = [dict(spec.env) | dict(spec.secrets) for spec in specs.values()]
    question = {"commands": [spec.command for spec in specs.values()], "environments": environments}
    asked = subprocess.run(
        [environment.PYTHON, "-P", KNOWS],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
        env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
    )
    answer: dict[str, Any] = json.loads(asked.stdout)
    return answer | {"read": dict(zip(specs, answer["commands"], strict=True))}


@pytest.mark.timeout(120)
def test_every_word_that_we_say_is_one_that_vllm_takes(told: dict[str, Any]) -> None:
    assert {name: one["refused"] for name, one in told["read"].items() if "refused" in one} == {}


def test_every_flag_of_the_catalog_is_among_those_words() -> None:
    assert set(VllmArgs.model_fields) == {*WRITTEN, *POOLED, *ADAPTED}


def test_what_follows_from_the_ledger_and_the_family_is_what_vllm_reads(told: dict[str, Any]) -> None:
    read = told["read"]["measured"]["read"]

    assert read["max_model_len"] == -1  # what it makes of `auto`
    assert (read["gpu_memory_utilization"], read["kv_cache_memory_bytes"]) == (0.37, 3_000 * 2**20)
    assert (read["enable_auto_tool_choice"], read["tool_call_parser"]) == (True, "hermes")
    assert read["reasoning_parser"] == "qwen3"
    assert (read["enable_sleep_mode"], read["shutdown_timeout"], read["revision"]) == (True, 0, "v1")


def test_the_files_of_a_model_tell_what_its_name_does_not(told: dict[str, Any]) -> None:
    """A tiny model of Qwen3's shape, whose template calls tools and thinks only when told to."""
    read = told["read"]["by its files"]["read"]

    assert (read["tool_call_parser"], read["reasoning_parser"]) == ("hermes", "")


def test_adapters_are_served_under_names_of_their_own(told: dict[str, Any]) -> None:
    read = told["read"]["adapters"]["read"]

    assert [(one["name"], one["path"]) for one in read["lora_modules"]] == [
        ("my/model:sql", "/switchyard/lora/0"),
        ("my/model:rag", "org/rag"),
    ]
    assert {one["base_model_name"] for one in read["lora_modules"]} == {"my/model"}
    assert (read["enable_lora"], read["max_loras"]) == (True, 2)
    assert read["max_lora_rank"] in (8, 16)
    assert told["read"]["adapters as written"]["read"]["max_lora_rank"] == 64


def test_every_parser_that_a_family_is_given_is_one_that_vllm_registers(told: dict[str, Any]) -> None:
    tools = {family.tools for family in FAMILIES} | {parser for _, parser in TEMPLATES}

    assert tools - {None} - set(told["tools"]) == set()
    assert {family.thinks for family in FAMILIES} - {None} - set(told["thinks"]) == set()


def test_nothing_that_differs_from_run_to_run_changes_the_name_of_what_is_compiled(
    told: dict[str, Any],
) -> None:
    # But for what an entry sets itself, which does not differ from run to run.
    plain = [said for name, said in zip(told["read"], told["compiled"], strict=True) if name not in OWN_ENV]

    assert len(set(plain)) == 1
