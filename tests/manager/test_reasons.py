"""What engines really say, and what we make of it."""

import re

import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.engines.reasons import ADVICE, ENVIRONMENT, explain
from switchyard_manager.runtimes import Exit

WRAPPER = (
    "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. "
    "Failed core proc(s): {'EngineCore_DP0': 1}"
)
CORE = "(EngineCore pid=7) ERROR 11-20 12:00:00 [core.py:1100] "


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("vllm: error: unrecognized arguments: --nonsense", Reason.BAD_ENGINE_ARGUMENT),
        ("vllm serve: error: argument --dtype: invalid choice: 'x'", Reason.BAD_ENGINE_ARGUMENT),
        (
            "ValueError: User-specified max_model_len (200000) is greater than the derived max_model_len",
            Reason.BAD_ENGINE_ARGUMENT,
        ),
        (
            "  Value error, Unknown quantization method: foo. Must be one of ['awq']. [type=value_error]",
            Reason.BAD_ENGINE_ARGUMENT,
        ),
        ("pydantic_core.ValidationError: 1 validation error for VllmConfig", Reason.BAD_ENGINE_ARGUMENT),
        (
            "ValueError: Total number of attention heads (40) must be divisible by tensor parallel size (3).",
            Reason.BAD_ENGINE_ARGUMENT,
        ),
        (
            "ValueError: World size (4) is larger than the number of available GPUs (1) in this node.",
            Reason.BAD_ENGINE_ARGUMENT,
        ),
        (
            (
                "ValueError: Free memory on device cuda:0 (3.1/23.6 GiB) on startup is less than desired GPU "
                "memory utilization (0.92, 21.7 GiB). Decrease GPU memory utilization or reduce GPU "
                "memory used."
            ),
            Reason.VRAM_BUSY,
        ),
        (
            "ValueError: Free memory on device (3/24 GiB) on startup is less than desired GPU mem",
            Reason.VRAM_BUSY,
        ),
        (
            (
                "AssertionError: Error in memory profiling. Initial free memory 20 GiB, current free memory "
                "22 GiB."
            ),
            Reason.VRAM_BUSY,
        ),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", Reason.CUDA_OUT_OF_MEMORY),
        ("RuntimeError: CUDA error: out of memory", Reason.CUDA_OUT_OF_MEMORY),
        (
            "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`",
            Reason.CUDA_OUT_OF_MEMORY,
        ),
        (
            "RuntimeError: Failed to load model - not enough GPU memory. Try lowering --gpu-memory-utilization",
            Reason.CUDA_OUT_OF_MEMORY,
        ),
        ("ValueError: Available memory on node 0 (6.45/8.96 GiB) is less than desired", Reason.OUT_OF_MEMORY),
        ("MemoryError", Reason.OUT_OF_MEMORY),
        ("huggingface_hub.errors.LocalEntryNotFoundError: Cannot find", Reason.MODEL_NOT_FOUND),
        (
            "OSError: nope/nope is not a local folder and is not a valid model identifier listed on the Hub",
            Reason.MODEL_NOT_FOUND,
        ),
        (
            "huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error. (Request ID: x)",
            Reason.MODEL_NOT_FOUND,
        ),
        ("huggingface_hub.errors.RevisionNotFoundError: 404 Client Error.", Reason.MODEL_NOT_FOUND),
        ("OSError: You are trying to access a gated repo.", Reason.GATED_REPO),
        ("huggingface_hub.errors.GatedRepoError: 403 Client Error.", Reason.GATED_REPO),
        ("requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url", Reason.GATED_REPO),
        ("OSError: [Errno 98] Address already in use", Reason.PORT_IN_USE),
        ("OSError: [Errno 28] No space left on device", Reason.DISK_FULL),
        ("Model architectures ['X'] failed to be inspected", Reason.UNSUPPORTED_MODEL),
        ("Model architectures ['X'] are not supported for now. Supported are", Reason.UNSUPPORTED_MODEL),
        (
            (
                "  Value error, The checkpoint you are trying to load has model type `foo` but "
                "Transformers does "
                "not recognize this architecture."
            ),
            Reason.UNSUPPORTED_MODEL,
        ),
        (
            (
                "safetensors_rust.SafetensorError: Error while deserializing header: incomplete "
                "metadata, file not "
                "fully covered"
            ),
            Reason.LOAD_FAILED,
        ),
        ("ModuleNotFoundError: No module named 'torchvision'", Reason.MISSING_DEPENDENCY),
        ("ImportError: cannot import name 'x' from 'transformers'", Reason.MISSING_DEPENDENCY),
        ("Failed to initialize NVML: Unknown Error", Reason.NO_GPU_DRIVER),
        ("RuntimeError: Failed to infer device type, please set the environment", Reason.NO_GPU_DRIVER),
        ("RuntimeError: No CUDA GPUs are available", Reason.NO_GPU_DRIVER),
        ("RuntimeError: CUDA error: no kernel image is available for execution", Reason.ENGINE_MISSING),
        ("Error response from daemon: manifest unknown", Reason.IMAGE_MISSING),
        ("TimeoutError: Timed out waiting for engine core processes to start.", Reason.STARTUP_TIMEOUT),
        ("RuntimeError: CUDA error: an illegal memory access was encountered", Reason.ENGINE_EXITED),
    ],
)
@pytest.mark.parametrize("prefix", ["", CORE])
def test_a_known_line_is_found_under_the_wrappers_that_follow_it(
    line: str, reason: Reason, prefix: str
) -> None:
    tail = ("INFO loading", f"{prefix}{line}", WRAPPER, "(APIServer pid=1) For further information visit …")

    failure = explain("m", Exit(1, tail))

    assert failure.reason is reason
    assert line.strip() in failure.message
    assert "pid=7" not in failure.message


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (
            (
                "ValueError: To serve at least one request with the model's max seq len (32768), (3.50 "
                "GiB KV cache "
                "is needed, which is larger than the available KV cache memory (0.10 GiB). Based on the "
                "available "
                "memory, the estimated maximum model length is 896. Try increasing `gpu_memory_utilization`"
            ),
            "set `context_length` to 896 or lower, or raise `vram_mib`",
        ),
        (
            (
                "  Value error, User-specified max_model_len (200000) is greater than the derived "
                "max_model_len "
                "(max_position_embeddings=40960 or model_max_length=None in model's config.json)."
            ),
            "set `context_length` to 40960 or lower",
        ),
        (
            (
                "ValueError: Free memory on device cuda:0 (3.1/23.6 GiB) on startup is less than desired GPU "
                "memory utilization (0.92, 21.7 GiB)."
            ),
            "free memory of the GPU: 3.1 of 23.6 GiB are free, and the model's share is 21.7 GiB",
        ),
        (
            "RuntimeError: CUDA out of memory occurred when warming up sampler with 256 dummy requests.",
            "set `max_num_seqs` in `engine_args` to less than 256",
        ),
        ("vllm: error: unrecognized arguments: --turbo", "remove --turbo from `extra_args`"),
        (
            "  Value error, Sleep mode is not supported on current platform.",
            'set `sleep` of this model to "off"',
        ),
        (
            "ModuleNotFoundError: No module named 'torchvision'",
            "install torchvision where the engine is installed, or use an image that has it",
        ),
        (
            "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0.",
            'set `dtype` in `engine_args` to "float16": this GPU has no bfloat16',
        ),
    ],
)
def test_the_advice_says_what_to_write_with_the_numbers_of_the_line(line: str, advice: str) -> None:
    assert explain("m", Exit(1, (line, WRAPPER))).advice == advice


def test_the_process_closest_to_the_gpu_is_believed_first() -> None:
    tail = (
        "(Worker_TP0 pid=9) torch.OutOfMemoryError: CUDA out of memory.",
        "(EngineCore pid=7) OSError: [Errno 28] No space left on device",
        "(APIServer pid=1) OSError: [Errno 98] Address already in use",
        "OSError: You are trying to access a gated repo.",
    )

    found = [explain("m", Exit(1, tail[index:])).reason for index in range(4)]

    assert found == [Reason.CUDA_OUT_OF_MEMORY, Reason.DISK_FULL, Reason.PORT_IN_USE, Reason.GATED_REPO]


def test_within_one_process_the_last_known_line_counts() -> None:
    tail = (
        "(EngineCore pid=7) OSError: [Errno 98] Address already in use",
        "(EngineCore pid=7) torch.OutOfMemoryError: CUDA out of memory.",
    )

    assert explain("m", Exit(1, tail)).reason is Reason.CUDA_OUT_OF_MEMORY


def test_a_missing_library_is_the_reason_for_a_model_that_cannot_be_inspected() -> None:
    tail = (
        "ModuleNotFoundError: No module named 'torchvision'",
        "  Value error, Model architectures ['X'] failed to be inspected.",
    )

    assert explain("m", Exit(1, tail[:1])).reason is Reason.MISSING_DEPENDENCY
    assert explain("m", Exit(1, tail)).reason is Reason.MISSING_DEPENDENCY


def test_an_optional_library_that_is_missing_never_hides_the_real_cause() -> None:
    tail = (
        "OSError: [Errno 28] No space left on device",
        "ModuleNotFoundError: No module named 'flash_attn'",
    )

    assert explain("m", Exit(1, tail)).reason is Reason.DISK_FULL


def test_the_hubs_hint_about_gated_repositories_is_not_a_reason() -> None:
    tail = (
        "huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error. (Request ID: x)",
        "Please make sure you specified the correct `repo_id` and `repo_type`.",
        "If you are trying to access a private or gated repo, make sure you are authenticated.",
    )

    assert explain("m", Exit(1, tail)).reason is Reason.MODEL_NOT_FOUND


def test_what_vllm_says_of_its_memory_after_a_good_start_is_no_reason() -> None:
    tail = (f"{CORE}Free memory on device (22.4/23.6 GiB) on startup. Desired GPU memory utilization is (0.9",)

    assert explain("m", Exit(0, tail)).reason is Reason.ENGINE_EXITED


def test_our_own_engines_say_it_outright() -> None:
    marked = 'SWITCHYARD_FAILURE {"code": "unsupported_model", "message": "no such architecture"}'

    failure = explain("m", Exit(1, ("CUDA out of memory", marked)))

    assert (failure.reason, failure.message) == (
        Reason.UNSUPPORTED_MODEL,
        "cannot run m: no such architecture",
    )


@pytest.mark.parametrize(
    "broken", ["SWITCHYARD_FAILURE {", 'SWITCHYARD_FAILURE {"code": []}', "SWITCHYARD_FAILURE 3"]
)
def test_a_marker_that_cannot_be_read_is_only_a_line(broken: str) -> None:
    assert explain("m", Exit(1, (broken,))).reason is Reason.ENGINE_EXITED


def test_a_dead_engine_that_leaves_politely_has_failed_all_the_same() -> None:
    tail = ("(APIServer pid=1) ERROR Engine core proc EngineCore_DP0 died unexpectedly, shutting down client.",)

    failure = explain("m", Exit(0, tail))

    assert failure.reason is Reason.ENGINE_EXITED
    assert failure.message == "cannot run m: its engine exited with code 0, and nobody had asked it to"


def test_an_error_that_nobody_knows_is_at_least_quoted() -> None:
    tail = ("Traceback (most recent call last):", "  File x", "some.module.OddError: 42 is not enough", WRAPPER)

    failure = explain("m", Exit(1, tail))

    assert failure.reason is Reason.ENGINE_EXITED
    assert failure.message == (
        "cannot run m: its engine exited with code 1: some.module.OddError: 42 is not enough"
    )


@pytest.mark.parametrize(
    ("exit_", "reason", "says"),
    [
        (Exit(None), Reason.ENGINE_EXITED, "its engine ended"),
        (Exit(3), Reason.ENGINE_EXITED, "exited with code 3"),
        (Exit(-9), Reason.OUT_OF_MEMORY, "killed from outside"),
        (Exit(137), Reason.OUT_OF_MEMORY, "killed from outside"),
        (Exit(137, oom_killed=True), Reason.OUT_OF_MEMORY, "killed by the kernel"),
        (Exit(0, ("CUDA out of memory",), oom_killed=True), Reason.OUT_OF_MEMORY, "killed by the kernel"),
        (Exit(-15), Reason.ENGINE_EXITED, "told to stop, and not by Switchyard"),
        (Exit(143), Reason.ENGINE_EXITED, "told to stop, and not by Switchyard"),
        (Exit(139), Reason.ENGINE_EXITED, r"crashed \(SIGSEGV\)"),
        (Exit(-11), Reason.ENGINE_EXITED, r"crashed \(SIGSEGV\)"),
        (Exit(-4), Reason.ENGINE_EXITED, r"crashed \(SIGILL\)"),
        (Exit(127), Reason.ENGINE_MISSING, "its program cannot be found or run"),
        (Exit(255), Reason.ENGINE_EXITED, "exited with code 255"),
    ],
)
def test_an_engine_that_said_nothing_is_judged_by_how_it_ended(exit_: Exit, reason: Reason, says: str) -> None:
    failure = explain("m", exit_)

    assert failure.reason is reason
    assert failure.exit_code == exit_.code
    assert re.search(says, failure.message)


def test_a_sentence_of_the_log_goes_before_the_code() -> None:
    assert explain("m", Exit(137, ("OSError: No space left on device",))).reason is Reason.DISK_FULL


def test_the_end_of_the_log_comes_along() -> None:
    tail = tuple(f"line {number}" for number in range(30))

    assert explain("m", Exit(1, tail)).log_tail == tail[-20:]


def test_there_is_advice_for_every_reason() -> None:
    assert set(ADVICE) == set(Reason)


def test_what_is_the_machines_fault_is_never_counted_against_a_model() -> None:
    never_counted = {
        Reason.DISK_FULL,
        Reason.HUB_UNREACHABLE,
        Reason.IMAGE_MISSING,
        Reason.NO_GPU,
        Reason.NO_GPU_DRIVER,
        Reason.PORT_IN_USE,
        Reason.RUNTIME_UNAVAILABLE,
        Reason.VRAM_BUSY,
    }

    assert never_counted == ENVIRONMENT


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (
            "KeyError: 'invalid tool call parser: nope (chose from { hermes,mistral })'",
            "no way of calling tools named nope.*`tool_call_parser`",
        ),
        (
            "KeyError: 'invalid reasoning parser: nope (chose from { qwen3 })'",
            "no way of thinking named nope.*`reasoning_parser`",
        ),
        (
            (
                "RuntimeError: DeepSeekR1ReasoningParser reasoning parser could not locate think start/end "
                "tokens in the "
                "tokenizer!"
            ),
            '`reasoning_parser` in `engine_args` to "none"',
        ),
        (
            (
                "RuntimeError: DeepSeek-V3.1 Tool parser could not locate tool call start/end tokens in the "
                "tokenizer!"
            ),
            "`enable_auto_tool_choice` in `engine_args` to false",
        ),
        ("ValueError: LoRA rank 64 is greater than max_lora_rank 16.", "`max_lora_rank` .* to 64 or the next"),
        ("ValueError: BertModel does not support LoRA yet.", "remove `lora` from the `variants`"),
        ("ValueError: vLLM does not yet support DoRA.", "remove this adapter"),
        (
            "ValueError: Embedding models do not support `--runner generate`. Use `--runner pooling`",
            "correct `runner`",
        ),
        ("ValueError: This model does not support `--runner pooling`. You can pass", "correct `runner`"),
    ],
)
def test_what_was_asked_of_vllm_and_cannot_be_is_said_with_the_field_to_change(line: str, advice: str) -> None:
    failure = explain("m", Exit(1, (CORE + line, WRAPPER)))

    assert failure.reason is Reason.BAD_ENGINE_ARGUMENT
    assert re.search(advice, failure.advice)


def test_a_dead_engine_whose_server_left_with_zero_has_failed_all_the_same() -> None:
    """As vLLM's does, seconds after its engine core died."""
    said = ("(APIServer pid=1) ERROR EngineDeadError: EngineCore encountered an issue.", "INFO Shutting down")

    failure = explain("m", Exit(0, said))

    assert failure.reason is Reason.ENGINE_EXITED
    assert failure.exit_code == 0
    assert "nobody had asked it to" in failure.message
