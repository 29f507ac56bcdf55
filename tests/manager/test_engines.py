"""From a model of the catalog to the command that serves it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from switchyard_contracts.catalog import Catalog, Engine
from switchyard_contracts.errors import Reason
from switchyard_manager.engines import ADAPTERS
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Listen, RunSpec

HERE = Listen("127.0.0.1", 1234)
PYTHON = sys.executable


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "demo" / "chat").mkdir(parents=True)
    (tmp_path / "weights").mkdir()
    return Places(tmp_path / "models.json", tmp_path, image_server=PYTHON, vllm=PYTHON)


def spec_of(catalog: Catalog, places: Places) -> RunSpec:
    (model,) = catalog.models.values()
    return ADAPTERS[model.engine].run_spec(model, "i", HERE, places)


def test_every_engine_has_an_adapter() -> None:
    assert set(ADAPTERS) == set(Engine)


def test_the_image_server_gets_its_weights_name_and_address(
    catalog: Callable[..., Catalog], places: Places, tmp_path: Path
) -> None:
    spec = spec_of(
        catalog(
            m={
                "engine": "image-server",
                "path": "state:demo/chat",
                "context_length": 99,
                "engine_args": {"device": "cpu", "max_new_tokens": 7},
                "extra_args": ["--log-level", "debug"],
            }
        ),
        places,
    )

    assert spec.command == (
        *(PYTHON, "--model", str(tmp_path / "demo" / "chat"), "--served-model-name", "m"),
        *("--host", "127.0.0.1", "--port", "1234", "--max-model-len", "99", "--device", "cpu"),
        *("--max-new-tokens", "7", "--log-level", "debug"),
    )


def test_vllm_gets_typed_flags_and_then_the_raw_ones(catalog: Callable[..., Catalog], places: Places) -> None:
    engine_args = {"max_num_seqs": 8, "enforce_eager": True, "enable_prefix_caching": False}
    spec = spec_of(
        catalog(m={"path": None, "repo": "org/model", "revision": "abc", "engine_args": engine_args,
                   "extra_args": ["--seed", "1"]}),
        places,
    )  # fmt: skip

    assert spec.command[:7] == (PYTHON, "serve", "org/model", "--served-model-name", "m", "--host", "127.0.0.1")
    assert spec.command[-2:] == ("--seed", "1")
    assert {"--max-num-seqs", "8", "--enforce-eager", "--no-enable-prefix-caching"} <= set(spec.command)
    assert spec.command[spec.command.index("--revision") + 1] == "abc"


def test_gpus_named_by_uuid_are_the_only_ones_the_engine_sees(
    catalog: Callable[..., Catalog], places: Places
) -> None:
    uuids = ["GPU-11111111-2222-3333-4444-555555555555", "GPU-66666666-2222-3333-4444-555555555555"]

    spec = spec_of(catalog(m={"path": "weights", "gpus": uuids, "env": {"A": "b"}}), places)

    assert spec.env["CUDA_VISIBLE_DEVICES"] == ",".join(uuids)
    assert spec.env["A"] == "b"


def test_a_model_without_a_gpu_sees_none(catalog: Callable[..., Catalog], places: Places) -> None:
    assert spec_of(catalog(m={"path": "weights", "gpus": 0}), places).env["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.parametrize(
    ("entry", "reason", "says"),
    [
        ({"path": "nowhere"}, Reason.MODEL_NOT_FOUND, r"cannot start m: there is no .*nowhere"),
        (
            {"engine": "container", "path": None, "container": "c", "port": 8001},
            Reason.RUNTIME_UNAVAILABLE,
            r"cannot start m: it needs the container 'c', and this manager runs engines as processes",
        ),
    ],
)
def test_what_this_machine_lacks_is_told_before_anything_starts(
    catalog: Callable[..., Catalog], places: Places, entry: dict[str, object], reason: Reason, says: str
) -> None:
    with pytest.raises(EngineFailed, match=says) as caught:
        spec_of(catalog(m=entry), places)

    assert caught.value.failure.reason is reason


@pytest.mark.parametrize("engine", ["vllm", "image-server"])
def test_a_missing_program_says_how_to_get_it(
    catalog: Callable[..., Catalog], tmp_path: Path, engine: str
) -> None:
    places = Places(tmp_path / "models.json", tmp_path, image_server="no-such-1", vllm="no-such-2")

    with pytest.raises(EngineFailed, match=r"is not installed here \(no-such-\d\).*install") as caught:
        spec_of(catalog(m={"engine": engine}), places)

    assert caught.value.failure.reason is Reason.ENGINE_MISSING


def test_the_canary_is_one_real_inference_of_the_models_kind(catalog: Callable[..., Catalog]) -> None:
    models = catalog(
        chat={},
        embed={"engine_args": {"runner": "pooling"}},
        picture={"type": "image", "engine": "image-server"},
    ).models

    paths = {name: ADAPTERS[model.engine].canary(model).path for name, model in models.items()}

    assert paths == {
        "chat": "/v1/chat/completions",
        "embed": "/v1/embeddings",
        "picture": "/v1/images/generations",
    }
