# ruff: noqa: E501  (a sentence stays on one line, so that it is found by searching for it)
"""What an entry needs and what it excludes, word for word."""

import json
from typing import Any

import pytest

from switchyard_contracts.catalog import read_catalog
from tests.contracts.catalog.samples import GPU_A, container, image, model, told

ENTRIES = {
    "a name with a blank": (
        {"models": {"my model": model()["models"]["a"]}},
        'models["my model"]: cannot use "my model" as a name; write a name of letters, digits and . _ - : / @ + not beginning with a sign, of at most 200 characters',
    ),
    "a name of nothing": (
        {"models": {"": model()["models"]["a"]}},
        'models[""]: cannot use "" as a name; write a name of letters, digits and . _ - : / @ + not beginning with a sign, of at most 200 characters',
    ),
    "no type": (
        model(type=...),
        'models.a.type: cannot tell what the model works with; add "type": "text", "vision" or "image"',
    ),
    "no weights": (
        model(repo=...),
        "models.a: cannot serve a model without weights; add 'repo' (on the Hub) or 'path' (a folder)",
    ),
    "weights from two places": (
        model(path="/models/a"),
        "models.a.path: cannot use both repo and path; remove one of them",
    ),
    "a revision of a folder": (
        model(repo=..., path="/models/a", revision="main"),
        "models.a.revision: cannot use a revision of a folder; remove it, or write 'repo' for 'path'",
    ),
    "a path out of the state folder": (
        model(repo=..., path="state:../a"),
        "models.a.path: cannot leave the state folder; write state: and a folder inside it, as in state:demo/chat",
    ),
    "an absolute path in the state folder": (
        model(repo=..., path="state:/etc"),
        "models.a.path: cannot leave the state folder; write state: and a folder inside it, as in state:demo/chat",
    ),
    "another user's home": (
        model(repo=..., path="~bob/models"),
        "models.a.path: cannot look into another user's home; write an absolute path, or one that begins with ~/",
    ),
    "an address for a path": (
        model(repo=..., path="https://example.com/a"),
        "models.a.path: cannot fetch anything for a path; write a folder of this machine, or a Hub repository under repo",
    ),
    "a container engine without a container": (
        model(repo=..., engine="container", port=1),
        "models.a: cannot run the engine container without a container; add 'container' (one that exists) or 'image' (to make one from)",
    ),
    "a container without port": (
        container(port=...),
        "models.a.port: cannot reach a container without its port; add 'port'",
    ),
    "weights for a container": (
        container(repo="a/b", revision="main"),
        "models.a.repo: cannot give 'repo' to the engine container; remove it: a container brings its own weights",
        "models.a.revision: cannot give 'revision' to the engine container; remove it: a container brings its own weights",
    ),
    "an existing container that should be made otherwise": (
        container(env={"A": "b"}, image="x", extra_args=["--a"], engine_args={"dtype": "auto"}),
        "models.a.env: cannot change the existing container box; remove 'env' or 'container'",
        "models.a.image: cannot change the existing container box; remove 'image' or 'container'",
        "models.a.extra_args: cannot change the existing container box; remove 'extra_args' or 'container'",
        "models.a.engine_args: cannot change the existing container box; remove 'engine_args' or 'container'",
    ),
    "an existing container as another engine": (
        container(type="text", engine="vllm", port=...),
        "models.a.engine: cannot run the existing container box as the engine vllm; remove 'engine' or 'container'",
    ),
    "images from vLLM": (
        image(engine="vllm"),
        "models.a.engine: cannot make images with the engine vllm; write image-server or container",
    ),
    "a port for an engine of ours": (
        model(port=8000),
        "models.a.port: cannot choose the port of the engine vllm; remove 'port': Switchyard picks a free one",
    ),
    "a context for an image model": (
        image(context_length=4096),
        "models.a.context_length: cannot limit the context of an image model; remove 'context_length'",
    ),
    "GPUs behind the ledger's back": (
        model(env={"cuda_visible_devices": "0"}),
        "models.a.env.cuda_visible_devices: cannot set cuda_visible_devices; remove it, and name the GPUs under gpus",
    ),
    "a key of one's own": (
        model(env={"VLLM_API_KEY": "x"}),
        "models.a.env.VLLM_API_KEY: cannot set VLLM_API_KEY; remove it: Switchyard gives every engine a key of its own",
    ),
    "a variable with a blank": (
        model(env={"A B": "x"}),
        'models.a.env["A B"]: cannot use "A B" as the name of a variable; write letters, digits and _, beginning with a letter or _',
    ),
    "a default environment with a blank": (
        {"defaults": {"env": {"A B": "x"}}} | model(),
        'defaults.env["A B"]: cannot use "A B" as the name of a variable; write letters, digits and _, beginning with a letter or _',
    ),
    "mounts from afar, to nowhere, and twice to one place": (
        model(
            mounts=[
                {"source": "nfs://a", "target": "/a"},
                {"source": "b", "target": "b"},
                {"source": "c", "target": "/a"},
                {"source": "d", "target": "/a/../.."},
            ]
        ),
        "models.a.mounts[0].source: cannot fetch anything for a path; write a folder of this machine, or a Hub repository under repo",
        "models.a.mounts[1].target: cannot mount there; write an absolute path inside the container, as in /models",
        'models.a.mounts[2].target: cannot mount two things at "/a"; change one of them',
        "models.a.mounts[3].target: cannot mount there; write an absolute path inside the container, as in /models",
    ),
    "no GPUs in a list": (
        model(gpus=[]),
        "models.a.gpus: cannot place a model on an empty list of GPUs; name one, or write 0 for none",
    ),
    "a GPU twice": (
        model(gpus=[GPU_A, GPU_A]),
        'models.a.gpus[1]: cannot name "GPU-aaaa" twice; remove one of the two',
    ),
    "a capability twice": (
        model(capabilities=["chat", "tools", "chat"]),
        'models.a.capabilities[2]: cannot name "chat" twice; remove one of the two',
    ),
}


@pytest.mark.parametrize(
    ("file", "faults"), [(file, faults) for file, *faults in ENTRIES.values()], ids=ENTRIES
)
def test_an_entry_that_cannot_work_is_told_why(file: dict[str, Any], faults: list[str]) -> None:
    assert told(json.dumps(file)) == faults


@pytest.mark.parametrize("name", ["qwen3:8b", "Qwen/Qwen3-8B", "gpt-4.1", "a" * 200])
def test_a_name_may_look_as_models_are_called_elsewhere(name: str) -> None:
    entry = {"container": "vllm-1", "port": 8001}

    assert list(read_catalog(json.dumps({name: entry})).models) == [name]
