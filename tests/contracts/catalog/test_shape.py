# ruff: noqa: E501  (a sentence stays on one line, so that it is found by searching for it)
"""Keys that nobody knows and values of the wrong kind, word for word."""

import json
from typing import Any

import pytest

from tests.contracts.catalog.samples import GPU_A, args, container, model, told

UUID = 'a UUID such as "GPU-5c89…", as `nvidia-smi -L` prints it'


def clipped(key: str) -> str:
    return key[:60] + "…"


KEYS = {
    "a misspelt key suggests the right one": (
        model(vram_mb=1),
        "models.a.vram_mb: cannot use the unknown key 'vram_mb'; did you mean 'vram_mib'?",
    ),
    "a misspelt key that was needed is not missed as well": (
        model(repo=..., rep="Qwen/Qwen3-8B"),
        "models.a.rep: cannot use the unknown key 'rep'; did you mean 'repo'?",
    ),
    "another program's word for the same thing": (
        model(ttl=60),
        "models.a.ttl: cannot use the unknown key 'ttl'; did you mean 'idle_unload_s'?",
    ),
    "a key like no other": (
        model(zebra=1),
        "models.a.zebra: cannot use the unknown key 'zebra'; remove it, or look it up in docs/models-json.md",
    ),
    "a key of enormous length": (
        model(**{"vram_mib" * 1000: 1}),
        f"models.a.{'vram_mib' * 1000}: cannot use the unknown key '{clipped('vram_mib' * 1000)}'; remove it, or look it up in docs/models-json.md",
    ),
    "a flag of the engine beside the fields": (
        model(tensor_parallel_size=2),
        "models.a.tensor_parallel_size: cannot use the unknown key 'tensor_parallel_size'; did you mean 'engine_args.tensor_parallel_size'?",
    ),
    "the name inside the entry": (
        model(name="a"),
        "models.a.name: cannot name a model twice; remove 'name': the key of the entry is the name",
    ),
    "a misspelt flag": (
        args(max_num_seq=4),
        "models.a.engine_args.max_num_seq: cannot use the unknown key 'max_num_seq'; did you mean 'max_num_seqs'? If not, put an engine flag that is not listed under extra_args, word by word",
    ),
    "a flag that Switchyard does not know": (
        args(zebra=4),
        "models.a.engine_args.zebra: cannot use the unknown key 'zebra'; put an engine flag that is not listed under extra_args, word by word",
    ),
    "a flag that is a field of the model": (
        args(max_model_len=4096),
        "models.a.engine_args.max_model_len: cannot use the unknown key 'max_model_len'; did you mean 'context_length' of the model itself? If not, put an engine flag that is not listed under extra_args, word by word",
    ),
    "a flag of the other engine": (
        args(steps=4),
        "models.a.engine_args.steps: cannot use 'steps' with the engine vllm; remove it: it belongs to image-server",
    ),
    "a typed flag for a foreign image": (
        model(repo=..., engine="container", image="x", port=1, engine_args={"dtype": "auto"}),
        "models.a.engine_args.dtype: cannot use the unknown key 'dtype'; put an engine flag that is not listed under extra_args, word by word",
    ),
    "a misspelt key of a mount": (
        model(mounts=[{"source": "/a", "target": "/a", "readonly": True}]),
        "models.a.mounts[0].readonly: cannot use the unknown key 'readonly'; did you mean 'read_only'?",
    ),
    "a strange key of a mount lists the few there are": (
        model(mounts=[{"source": "/a", "target": "/a", "zebra": True}]),
        "models.a.mounts[0].zebra: cannot use the unknown key 'zebra'; remove it, or use read_only, source or target",
    ),
    "a misspelt default": (
        {"defaults": {"idle_unload": 5}} | model(),
        "defaults.idle_unload: cannot use the unknown key 'idle_unload'; did you mean 'idle_unload_s'?",
    ),
    "a field that cannot be a default": (
        {"defaults": {"repo": "a/b"}} | model(),
        "defaults.repo: cannot use the unknown key 'repo'; remove it, or look it up in docs/models-json.md",
    ),
    "a misspelt setting": (
        {"settings": {"max_wait": 5}} | model(),
        "settings.max_wait: cannot use the unknown key 'max_wait'; did you mean 'max_wait_s'?",
    ),
    "a misspelt key of a GPU": (
        {"gpus": [{"uuid": GPU_A, "used": False}]} | model(),
        "gpus[0].used: cannot use the unknown key 'used'; did you mean 'use'?",
    ),
    "a misspelt section": (
        {"setings": {}} | model(),
        "setings: cannot use the unknown key 'setings'; did you mean 'settings'?",
    ),
    "a model beside models": (
        {"llama": {"container": "x", "port": 1}} | model(),
        "llama: cannot use the unknown key 'llama' beside models; put it inside models if it is one, or remove it",
    ),
    "models misspelt, alone": (
        {"modles": model()["models"]},
        "modles: cannot use the unknown key 'modles'; did you mean 'models'?",
    ),
    "models misspelt, beside another section": (
        {"settings": {}, "model": {}},
        "model: cannot use the unknown key 'model'; did you mean 'models'?",
    ),
    "models left out": (
        {"settings": {}},
        "models: cannot do without models; add 'models' with at least one model",
    ),
}


@pytest.mark.parametrize(("file", "faults"), [(file, faults) for file, *faults in KEYS.values()], ids=KEYS)
def test_an_unknown_key_is_named_with_what_was_probably_meant(file: dict[str, Any], faults: list[str]) -> None:
    assert told(json.dumps(file)) == faults


VALUES = {
    "text for a number": (
        container(port="8001"),
        'models.a.port: cannot use the text "8001"; write a whole number from 1 to 65535 or null',
    ),
    "a number out of range": (
        container(port=70000),
        "models.a.port: cannot use the number 70000; write a whole number from 1 to 65535 or null",
    ),
    "a fraction for a whole number": (
        model(vram_mib=1.5),
        "models.a.vram_mib: cannot use the number 1.5; write a whole number of at least 1 or null",
    ),
    "true for a number": (
        model(priority=True),
        "models.a.priority: cannot use true; write a whole number from -100 to 100",
    ),
    "zero for never": (
        model(idle_unload_s=0),
        "models.a.idle_unload_s: cannot use the number 0; write a number above 0 and at most 31536000 or null",
    ),
    "a number for yes": (
        model(pinned=1),
        "models.a.pinned: cannot use the number 1; write true or false",
    ),
    "null where nothing may be left open": (
        model(pinned=None),
        "models.a.pinned: cannot use null; write true or false",
    ),
    "a type there is not": (
        model(type="audio"),
        'models.a.type: cannot use the text "audio"; write "text", "vision" or "image"',
    ),
    "an engine there is not": (
        model(engine="llama.cpp"),
        'models.a.engine: cannot use the text "llama.cpp"; write "vllm", "image-server" or "container"',
    ),
    "a sleep policy there is not": (
        model(sleep=True),
        'models.a.sleep: cannot use true; write "auto" or "off"',
    ),
    "a word for GPUs": (
        model(gpus="two"),
        f'models.a.gpus: cannot use the text "two"; write a whole number of at least 0, or a list [...] of which each item is {UUID}, or null',
    ),
    "GPUs by index": (
        model(gpus=["0", 1]),
        f'models.a.gpus[0]: cannot use the text "0"; write {UUID}',
        f"models.a.gpus[1]: cannot use the number 1; write {UUID}",
    ),
    "flags in one string": (
        model(extra_args="--a b"),
        'models.a.extra_args: cannot use the text "--a b"; write a list [...] of which each item is text in double quotes',
    ),
    "a number in the environment": (
        model(env={"THREADS": 1}),
        "models.a.env.THREADS: cannot use the number 1; write text in double quotes",
    ),
    "an environment that is a list": (
        model(env=["A=b"]),
        "models.a.env: cannot use a list; write an object {...} of which each value is text in double quotes",
    ),
    "a repository that is a folder": (
        model(repo="/models/qwen3"),
        'models.a.repo: cannot use the text "/models/qwen3"; write "owner/name" as the Hugging Face Hub shows it (a folder goes under path) or null',
    ),
    "an alias with a blank": (
        model(aliases=["my model"]),
        'models.a.aliases[0]: cannot use the text "my model"; write a name of letters, digits and . _ - : / @ + not beginning with a sign',
    ),
    "a capability there is not": (
        model(capabilities=["singing"]),
        'models.a.capabilities[0]: cannot use the text "singing"; write "chat", "completions", "embeddings", "rerank", "images", "image_edits", "speech", "transcriptions", "vision", "tools" or "reasoning"',
    ),
    "a container's name with a blank": (
        container(container="my box"),
        'models.a.container: cannot use the text "my box"; write a container\'s name as `docker ps` prints it or null',
    ),
    "a mount without target": (
        model(mounts=[{"source": "/a"}]),
        "models.a.mounts[0].target: cannot leave out 'target'; write text in double quotes, not empty",
    ),
    "a mount that is text": (
        model(mounts=["/a:/a"]),
        'models.a.mounts[0]: cannot use the text "/a:/a"; write an object {...}',
    ),
    "a flag's value": (
        args(dtype="int4", limit_mm_per_prompt={"image": -1}),
        'models.a.engine_args.dtype: cannot use the text "int4"; write "auto", "half", "float16", "bfloat16", "float", "float32" or null',
        "models.a.engine_args.limit_mm_per_prompt.image: cannot use the number -1; write a whole number of at least 0",
    ),
    "flags as a list": (
        model(engine_args=["--a"]),
        "models.a.engine_args: cannot use a list; write an object {...}",
    ),
    "an entry that is text": (
        {"models": {"a": "Qwen/Qwen3-8B"}},
        'models.a: cannot use the text "Qwen/Qwen3-8B"; write an object {...}',
    ),
    "models as a list": (
        {"models": [{}]},
        "models: cannot use a list; write an object {...}",
    ),
    "settings as a number": (
        {"settings": 5} | model(),
        "settings: cannot use the number 5; write an object {...}",
    ),
    "defaults as null": (
        {"defaults": None} | model(),
        "defaults: cannot use null; write an object {...}",
    ),
    "top-level GPUs as a number": (
        {"gpus": 2} | model(),
        "gpus: cannot use the number 2; write a list [...] of GPUs",
    ),
    "top-level GPUs as a list of UUIDs": (
        {"gpus": [GPU_A]} | model(),
        'gpus[0]: cannot use the text "GPU-aaaa"; write an object {...}',
    ),
    "a GPU without UUID": (
        {"gpus": [{"vram_mib": 5}]} | model(),
        f"gpus[0].uuid: cannot leave out 'uuid'; write {UUID}",
    ),
    "a schema that is no path": (
        {"$schema": 5} | model(),
        "$schema: cannot use the number 5; write the path of models.schema.json",
    ),
    "a value of enormous length is shown in part": (
        model(type="x" * 5000),
        f'models.a.type: cannot use the text "{"x" * 60}…"; write "text", "vision" or "image"',
    ),
    "a value that would upset the terminal is shown escaped": (
        model(type="\x1b[2J"),
        r'models.a.type: cannot use the text "\u001b[2J"; write "text", "vision" or "image"',
    ),
}


@pytest.mark.parametrize(("file", "faults"), [(file, faults) for file, *faults in VALUES.values()], ids=VALUES)
def test_a_wrong_value_is_shown_with_what_is_wanted(file: dict[str, Any], faults: list[str]) -> None:
    assert told(json.dumps(file)) == faults
