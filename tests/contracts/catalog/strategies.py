"""Files that are nearly right: built from good entries, and then spoilt."""

import json
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "qwen3-8b", "qwen2.5"])
SECONDS = st.floats(min_value=0.5, max_value=5000) | st.integers(1, 5000)
MOUNTS = st.fixed_dictionaries(
    {"source": st.sampled_from(["/a", "~/a", "a", "state:a"]), "target": st.sampled_from(["/a", "/b"])},
    optional={"read_only": st.booleans()},
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "strip": st.lists(st.sampled_from(["top_p", "n"]), unique=True, max_size=1),
        "default": st.dictionaries(st.sampled_from(["temperature", "dict"]), st.just({"dict": [1.5, None]})),
        "set": st.dictionaries(st.sampled_from(["temperature", ""]), st.integers() | st.just({"//": 1})),
    },
)
SHARED: dict[str, st.SearchStrategy[Any]] = {
    "gpus": st.integers(0, 4) | st.lists(st.sampled_from(["GPU-a", "GPU-b"]), unique=True) | st.none(),
    "env": st.dictionaries(st.sampled_from(["A", "B"]), st.text(st.characters(codec="ascii"), max_size=5)),
    "mounts": st.lists(MOUNTS, max_size=2),
    "idle_unload_s": SECONDS | st.none(),
    "pinned": st.booleans(),
    "priority": st.integers(-100, 100),
    "startup_timeout_s": SECONDS,
    "drain_limit_s": SECONDS | st.none(),
    "sleep": st.sampled_from(["auto", "off"]),
    "max_concurrency": st.integers(1, 8) | st.none(),
    "max_queue": st.integers(1, 8),
    "commit_after_s": SECONDS | st.just(0),
    "heartbeat_s": SECONDS | st.none(),
    "preload": st.booleans(),
}
LABELS: dict[str, st.SearchStrategy[Any]] = {
    "vram_mib": st.integers(1, 80_000) | st.none(),
    "aliases": st.lists(st.uuids().map(str), max_size=2),
    "capabilities": st.lists(st.sampled_from(["chat", "tools"]), unique=True),
    "description": st.sampled_from(["A model.", None]),
    "request": CHANGES,
    "variants": st.dictionaries(
        st.sampled_from(["x", "no-thinking"]), st.just({}) | CHANGES.map(lambda changes: {"request": changes})
    ),
    "fallbacks": st.just([]),
    "//": st.integers(),
}
WEIGHTS = st.sampled_from(
    [
        {"repo": "Qwen/Qwen3-8B"},
        {"repo": "a/b", "revision": "main"},
        {"path": "~/a"},
        {"path": "state:a", "repo": None},
    ]
)
VLLM_ARGS = st.fixed_dictionaries(
    {},
    optional={
        "tensor_parallel_size": st.sampled_from([1, 2, None]),
        "dtype": st.sampled_from(["auto", "bfloat16", None]),
        "max_num_seqs": st.integers(1, 64),
        "enforce_eager": st.booleans(),
        "limit_mm_per_prompt": st.just({"image": 2}),
        "runner": st.sampled_from(["generate", "pooling"]),
    },
)
IMAGE_ARGS = st.fixed_dictionaries(
    {}, optional={"device": st.sampled_from(["cpu", "auto"]), "memory": st.sampled_from(["offload", None])}
)


def _joined(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda dicts: {key: value for one in dicts for key, value in one.items()})


def _some(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def _always(**values: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.just(values)


COMMON = _joined(_some(SHARED), _some(LABELS), _some({"extra_args": st.just(["--max-logprobs", "5"])}))
EXISTING = _joined(
    _always(container="box", port=8001),
    _some({key: SHARED[key] for key in SHARED if key not in ("env", "mounts")}),
    _some(LABELS),
    _some({"type": st.sampled_from(["text", "vision", "image"])}),
)
ENTRIES = st.one_of(
    _joined(
        _always(type="text"),
        WEIGHTS,
        COMMON,
        _some({"engine_args": VLLM_ARGS, "context_length": st.integers(1, 10**6)}),
    ),
    _joined(_always(type="vision", engine="vllm"), WEIGHTS, COMMON, _some({"engine_args": VLLM_ARGS})),
    _joined(_always(type="vision"), WEIGHTS, COMMON, _some({"engine_args": IMAGE_ARGS})),
    _joined(_always(type="image"), WEIGHTS, COMMON, _some({"engine_args": IMAGE_ARGS})),
    _joined(_always(type="text", engine="container", image="x", port=80), COMMON),
    EXISTING,
)
GPUS = st.lists(
    st.fixed_dictionaries({"uuid": st.sampled_from(["GPU-c", "GPU-d"])}, optional={"use": st.booleans()}),
    max_size=2,
    unique_by=lambda gpu: str(gpu["uuid"]),
)
SECTIONS = _some(
    {
        "$schema": st.just("./models.schema.json"),
        "settings": st.fixed_dictionaries({}, optional={"max_wait_s": st.integers(31, 500)}),
        "defaults": _some(SHARED),
        "gpus": GPUS,
        "default_model": st.sampled_from(["auto", None]),
        "virtual": st.just({}),
        "$comment": st.integers(),
    }
)
MODELS = st.dictionaries(NAMES, ENTRIES, min_size=1, max_size=3)
FILES = st.one_of(_joined(SECTIONS, st.fixed_dictionaries({"models": MODELS})), MODELS)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from([*SHARED, *LABELS, "type", "repo", "path", "container", "port", "engine", "engine_args"])
SPOILERS = JSON | st.sampled_from(["", "text", "../..", "\ud800", "\0", -1, 0, 10**30, [], {}, [[]], True])


@st.composite
def spoilt_files(draw: st.DrawFn) -> str:
    """A good file in which some values are replaced, keys are renamed, or the text itself is cut or doubled."""
    file = draw(FILES)
    for _ in range(draw(st.integers(0, 3))):
        file = _spoilt(draw, file)
    text = json.dumps(file)
    if draw(st.integers(0, 4)) == 0:
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(st.sampled_from(["", ",", '"', "{", "]", "NaN", "\x00"])) + text[start + 1 :]
    return text


def _spoilt(draw: st.DrawFn, value: Any) -> Any:
    """One place of a value replaced, or one key renamed; deep places as likely as shallow ones."""
    steps = list(value) if isinstance(value, dict) else []
    if isinstance(value, list):
        steps = list(range(len(value)))
    if not steps or draw(st.integers(0, 5)) == 0:
        return draw(SPOILERS)
    step = draw(st.sampled_from(steps))
    if isinstance(value, list):
        return [*value[:step], _spoilt(draw, value[step]), *value[step + 1 :]]
    if draw(st.integers(0, 3)) == 0:
        return {(draw(KEYS | st.text()) if key == step else key): inner for key, inner in value.items()}
    return value | {step: _spoilt(draw, value[step])}
