# ruff: noqa: E501  (a sentence stays on one line, so that it is found by searching for it)
"""What clashes between the parts of a file, word for word."""

import json
from typing import Any

import pytest

from tests.contracts.catalog.samples import GPU_A, GPU_B, container, model, told


def two(first: dict[str, Any], second: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return sections | {"models": {"a": first["models"]["a"], "b": second["models"]["a"]}}


FILES = {
    "no model at all": ({"models": {}}, "models: cannot run an empty catalog; add at least one model"),
    "nothing at all": ({}, "cannot run an empty catalog; add at least one model"),
    "an alias of two models": (
        two(model(aliases=["x"]), model(aliases=["y", "x"])),
        'models.b.aliases[1]: cannot use the alias "x", which models.a has already; choose another',
    ),
    "an alias twice in one model": (
        model(aliases=["x", "x"]),
        'models.a.aliases[1]: cannot name "x" twice; remove one of the two',
    ),
    "an alias that hides a model": (
        two(model(aliases=["b"]), model()),
        'models.a.aliases[0]: cannot use the alias "b", which is the name of another model; choose another',
    ),
    "an alias that is the model's own name": (
        model(aliases=["a"]),
        'models.a.aliases[0]: cannot use a model\'s own name "a" as its alias; remove it',
    ),
    "two containers on one port": (
        two(container(), container(container="other")),
        "models.b.port: cannot reach two containers at port 8001; models.a has it already: publish one of them on another port",
    ),
    "one container for two models": (
        two(container(), container()),
        "models.b.container: cannot manage the container box twice; models.a does already: make the second name an alias of the first",
    ),
    "a GPU described twice": (
        {"gpus": [{"uuid": GPU_A}, {"uuid": GPU_B}, {"uuid": GPU_A}]} | model(),
        "gpus[2].uuid: cannot describe GPU-aaaa twice; gpus[0] does already",
    ),
    "a reserve larger than the GPU": (
        {"gpus": [{"uuid": GPU_A, "vram_mib": 100, "reserve_mib": 100}]} | model(),
        'gpus[0].reserve_mib: cannot keep 100 MiB free of 100; lower it, or write "use": false',
    ),
    "a model on a GPU that is switched off": (
        {"gpus": [{"uuid": GPU_A, "use": False}], "defaults": {"gpus": [GPU_A]}} | model(gpus=[GPU_B, GPU_A]),
        "defaults.gpus[0]: cannot use GPU-aaaa, which gpus[0] switches off; name another, or switch it on",
        "models.a.gpus[1]: cannot use GPU-aaaa, which gpus[0] switches off; name another, or switch it on",
    ),
    "promises that contradict each other": (
        {"settings": {"max_wait_s": 10}} | model(),
        "settings.min_resident_s: cannot keep a model for 30 s when nobody may wait for more than 10 s; make it shorter than max_wait_s",
    ),
    "everything at once, in the order of the file": (
        {
            "models": {
                "a": {"type": "text", "repo": "a/b", "path": "/a", "vram_mib": "8", "engine_args": {"dtyp": 1}},
                "b": {"aliases": ["a"], "gpus": [], "pinnd": True},
            },
            "settings": {"max_wait_s": -1},
        },
        "models.a.path: cannot use both repo and path; remove one of them",
        'models.a.vram_mib: cannot use the text "8"; write a whole number of at least 1 or null',
        "models.a.engine_args.dtyp: cannot use the unknown key 'dtyp'; did you mean 'dtype'? If not, put an engine flag that is not listed under extra_args, word by word",
        'models.b.type: cannot tell what the model works with; add "type": "text", "vision" or "image"',
        "models.b: cannot serve a model without weights; add 'repo' (on the Hub) or 'path' (a folder)",
        'models.b.aliases[0]: cannot use the alias "a", which is the name of another model; choose another',
        "models.b.gpus: cannot place a model on an empty list of GPUs; name one, or write 0 for none",
        "models.b.pinnd: cannot use the unknown key 'pinnd'; did you mean 'pinned'?",
        "settings.max_wait_s: cannot use the number -1; write a number above 0 and at most 31536000",
    ),
    "a flat file has shorter paths": (
        {"llama3": {"container": "x", "prt": 1}},
        "llama3.prt: cannot use the unknown key 'prt'; did you mean 'port'?",
    ),
}


@pytest.mark.parametrize(("file", "faults"), [(file, faults) for file, *faults in FILES.values()], ids=FILES)
def test_parts_that_clash_are_told_where_and_with_what(file: dict[str, Any], faults: list[str]) -> None:
    assert told(json.dumps(file)) == faults
