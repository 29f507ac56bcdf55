"""What vLLM is told to take of its GPUs, and what is learned from its own words."""

import pytest

from switchyard_contracts.catalog import VllmArgs
from switchyard_manager.engines.protocol import Share
from switchyard_manager.engines.vllm_memory import beside_cache_mib, flags

SHARE = Share(9_000, 24_564)
BY_SHARE = ("--gpu-memory-utilization", "0.37")
# As vLLM 0.32 writes it (v1/worker/gpu_worker.py), for a share of 8.88 GiB.
WORDS = (
    "(EngineCore pid=71) INFO 11-20 12:00:00 [gpu_worker.py:1034] Free memory on device (23.2/23.99 GiB) "
    "on startup. "
    "Desired GPU memory utilization is (0.37, 8.88 GiB). Actual usage is 4.1 GiB for consumed memory "
    "(weights + "
    "non-torch), 0.61 GiB for peak activation, and 0.35 GiB for CUDAGraph memory. Replace "
    "gpu_memory_utilization "
    "config with `--kv-cache-memory={cache}` (3.67 GiB) to fit into requested memory, or "
    "`--kv-cache-memory=19327352832` (18.0 GiB) to fully utilize gpu memory. Current kv cache memory in "
    "use is 3.9 GiB."
)


@pytest.mark.parametrize(
    ("share", "beside_mib", "args", "wanted"),
    [
        (None, None, {}, ()),  # no GPU, or nothing is known of it
        (None, 5_000, {}, ()),
        (SHARE, None, {}, BY_SHARE),  # it never ran: it measures for itself
        (SHARE, 5_000, {}, (*BY_SHARE, "--kv-cache-memory-bytes", str(4_000 * 2**20))),
        (SHARE, 5_000, {"kv_cache_memory_bytes": 1}, BY_SHARE),  # the operator's own goes before
        (SHARE, 5_000, {"gpu_memory_utilization": 0.5}, ()),
        (SHARE, 8_900, {}, BY_SHARE),  # nothing to speak of is left: it had better say so itself
        (SHARE, 9_500, {}, BY_SHARE),
        (
            Share(4_500, 24_564),
            4_000,
            {},
            ("--gpu-memory-utilization", "0.19", "--kv-cache-memory-bytes", "524288000"),
        ),
    ],
)
def test_the_cache_has_a_size_once_it_is_known_what_stands_beside_it(
    share: Share | None, beside_mib: int | None, args: dict[str, float], wanted: tuple[str, ...]
) -> None:
    assert flags(share, beside_mib, VllmArgs.model_validate(args)) == wanted


def test_what_stands_beside_the_cache_is_read_from_the_words_of_a_start() -> None:
    cache = 3_940_000_000

    found = beside_cache_mib(
        "INFO Starting\n" + WORDS.format(cache=cache) + "\nINFO Application startup complete.\n"
    )

    assert found is not None
    exact = 8.88 * 1024 - cache / 2**20
    assert exact < found <= exact + 7  # never less: the rest of the share becomes the cache


def test_of_several_workers_the_fullest_counts() -> None:
    less, more = WORDS.format(cache=3_940_000_000), WORDS.format(cache=3_000_000_000)

    assert (
        beside_cache_mib(f"{less}\n{more}\n") == beside_cache_mib(f"{more}\n{less}\n") == beside_cache_mib(more)
    )


def test_a_start_that_was_told_the_size_says_nothing_of_it() -> None:
    assert (
        beside_cache_mib(
            "INFO reserved 3.9 GiB memory for KV Cache as specified by kv_cache_memory_bytes config"
        )
        is None
    )
