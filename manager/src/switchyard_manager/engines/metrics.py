"""Read one number out of what an engine counts: does it get on with its work?"""

import re
from collections.abc import Iterator

SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{.*\})? (?P<value>\S+)", re.MULTILINE)

STEPS = "vllm:iteration_tokens_total_count"
TOKENS = ("vllm:prompt_tokens_total", "vllm:generation_tokens_total")
# From 0 to 1. A long prompt is computed over many steps of which none counts until its last; it fills the cache
# with each. What a finished request gives back is less than what its last step adds.
CACHE_USE = "vllm:kv_cache_usage_perc"
IMAGE_SERVER_WORK = "switchyard_image_server_work_total"


def image_server_work(text: str) -> float | None:
    """Grows with every step and every piece of an answer. None: this is not our image server's."""
    return next(_values(text, IMAGE_SERVER_WORK), None)


def work_done(text: str) -> float | None:
    """Grows with every step of the engine; over all engines of a server. None: this is not vLLM's."""
    done = list(_values(text, STEPS)) or [value for name in TOKENS for value in _values(text, name)]
    if not done:
        return None
    return sum(done) + sum(_values(text, CACHE_USE))


def _values(text: str, name: str) -> Iterator[float]:
    for sample in SAMPLE.finditer(text):
        if sample["name"] == name:
            try:
                yield float(sample["value"])
            except ValueError:
                continue
