"""torchvision beside any build of torch: declared where its library cannot load, left alone where it can."""

import subprocess
import sys


def run(program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_torchvision_can_be_imported() -> None:
    ended = run(
        "import switchyard_image_server.torch_ready, torchvision\n"
        "from torchvision.transforms import v2\n"
        "from transformers import Qwen3VLVideoProcessor"
    )

    assert ended.returncode == 0, ended.stderr


def test_nothing_is_declared_where_the_compiled_library_loads() -> None:
    ended = run(
        "import torch\n"
        "loaded = []\n"
        "torch.ops.load_library = loaded.append\n"  # as a build of torchvision for this torch would
        "import switchyard_image_server.torch_ready as ready\n"
        "assert any('_C' in path for path in loaded), loaded\n"
        "assert ready._DECLARED is None"
    )

    assert ended.returncode == 0, ended.stderr


def test_nothing_is_declared_where_torch_runs_on_a_gpu() -> None:
    ended = run(
        "import torch\n"
        "torch.version.cuda = '13.0'\n"
        "import switchyard_image_server.torch_ready as ready\n"
        "assert ready._DECLARED is None"
    )

    assert ended.returncode == 0, ended.stderr


def test_says_what_to_install() -> None:
    for missing in ("torch", "torchvision"):
        ended = run(
            "import importlib.util\n"
            "find = importlib.util.find_spec\n"
            f"importlib.util.find_spec = lambda name: None if name == {missing!r} else find(name)\n"
            "import switchyard_image_server.torch_ready"
        )

        assert f"cannot run models without {missing}: install it" in ended.stderr
