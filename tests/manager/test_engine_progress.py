"""How far a load is, from lines as engines write them."""

import pytest

from switchyard_manager.engines.progress import announces, read

CORE = "(EngineCore pid=7) INFO 11-20 12:00:00 [gpu_model_runner.py:1] "


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Loading safetensors checkpoint shards:  43% Completed | 3/7 [00:02<00:03,  1.2it/s]", "weights 43 %"),
        ("Loading safetensors using Fastsafetensor loader:  50%|##   | 1/2", "weights 50 %"),
        ("Loading pipeline components...:  71%|#######   | 5/7", "weights 71 %"),
        ("Fetching 4 files:  25%|##        | 1/4", "downloading 25 %"),
        (
            "model-00001-of-00004.safetensors:  12%|#         | 592M/4.98G [00:10<01:14, 58.7MB/s]",
            "downloading model-00001-of-00004.safetensors 12 %",
        ),
        (f"{CORE}Starting to load model org/model...", "loading weights"),
        (f"{CORE}Loading weights took 2.34 seconds", "weights loaded"),
        (f"{CORE}Model loading took 5.5 GiB memory and 3.1 seconds", "weights loaded"),
        (f"{CORE}Starting torch.compile", "compiling"),
        (f"{CORE}Dynamo bytecode transform time: 4.2 s", "compiling"),
        (f"{CORE}torch.compile took 12.30 s in total", "compiled"),
        (
            "Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  60%|######    | 40/67",
            "capturing graphs 60 %",
        ),
        (f"{CORE}Graph capturing finished in 7 secs, took 0.5 GiB", "graphs captured"),
        (f"{CORE}GPU KV cache size: 12,345 tokens", "KV cache 12,345 tokens"),
        (f"{CORE}Auto-fit max_model_len: reduced from 262144 to 50528 to fit", "context 50,528 tokens"),
        (f"{CORE}init engine (profile, create kv cache, warmup model) took 9.1 s", "engine is up"),
        ("(APIServer pid=1) INFO:     Application startup complete.", "opening its port"),
        (
            "… INFO switchyard_image_server.load_log: loading text_encoder: 22 % (1 of 3 files)",
            "text_encoder 22 %",
        ),
        ("… INFO switchyard_image_server.serve: listening on http://127.0.0.1:1, loading m", "loading weights"),
    ],
)
def test_a_line_that_tells_how_far_it_is_becomes_a_few_words(line: str, words: str) -> None:
    assert read(line) == words


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\r\r",
        "INFO 127.0.0.1 - POST /v1/chat/completions 200 OK",
        f"{CORE}Using Flash Attention backend",
        "WARNING gpu_memory_utilization is 92%",
        "Avg generation throughput: 43.0 tokens/s, GPU KV cache usage: 1.2%, Prefix cache hit rate: 0.0%",
    ],
)
def test_any_other_line_says_nothing(line: str) -> None:
    assert read(line) is None


def test_of_a_bar_that_was_redrawn_the_last_state_counts() -> None:
    bar = "\r".join(f"Loading safetensors checkpoint shards:  {share}% Completed" for share in range(101))

    assert read(f"\r{bar}\r") == "weights 100 %"


def test_a_bar_that_was_redrawn_for_an_hour_takes_no_longer() -> None:
    bar = "\rLoading safetensors checkpoint shards:   7% Completed" * 200_000

    assert read(bar) == "weights 7 %"


@pytest.mark.parametrize(
    "line",
    [
        "(APIServer pid=1) INFO:     Application startup complete.",
        "INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)",
        "2026-01-01 12:00:00,000 INFO switchyard_image_server.serve: qwen (image) is ready",
        "main: server is listening on http://127.0.0.1:8080 - starting the main loop",
    ],
)
def test_an_engines_word_that_it_is_up(line: str) -> None:
    assert announces(line)


@pytest.mark.parametrize(
    "line",
    [
        "… INFO switchyard_image_server.serve: listening on http://127.0.0.1:1, loading m",
        "INFO:     Waiting for application startup.",
        "the worker is ready to load weights",
    ],
)
def test_a_word_that_comes_long_before_it_is_up_announces_nothing(line: str) -> None:
    assert not announces(line)
