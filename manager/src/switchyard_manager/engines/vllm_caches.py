"""Where vLLM keeps what it compiles: a start that finds it is seconds where one that does not is minutes. Pure.

In a container all of it goes into one volume, by the image that made it: another version's kernels are of no
use, and whoever looks can throw the old ones away. Within an image all engines share it. Each entry is named by
all that went into it (vLLM's by the model, its shapes and flags; Triton's, FlashInfer's and DeepGEMM's by the
source and the kind of GPU) and is put in place whole, so engines that start together do not spoil each other's.

Python's bytecode is kept there, too. Official images hold none of vLLM's, so each new container would compile
thousands of files and write them where Docker removes them at its end, which makes the next start wait. Python
itself sees by a source's time and size whether what it finds is of that source.

A program of this machine keeps its own usual folders, which last as well, and may be warm already.

A model's names in there must not change from start to start. Of the environment, vLLM counts every VLLM_…
variable that it does not know to be harmless: those of ours that are not are the same for every run.
"""

import re

VOLUME, FOLDER = "switchyard-vllm", "/cache/vllm"
PLACES = {
    "VLLM_CACHE_ROOT": "",
    "TRITON_CACHE_DIR": "/triton",
    "FLASHINFER_WORKSPACE_BASE": "/flashinfer",
    "DG_JIT_CACHE_DIR": "/deep_gemm",
    "TORCHINDUCTOR_CACHE_DIR": "/inductor",
    "TILELANG_CACHE_DIR": "/tilelang",
    "CUDA_CACHE_PATH": "/cuda",
    "PYTHONPYCACHEPREFIX": "/python",
}


def environment(image: str) -> dict[str, str]:
    folder = f"{FOLDER}/{re.sub(r'[^A-Za-z0-9.]+', '-', image).strip('-')}"
    return {name: folder + place for name, place in PLACES.items()}
