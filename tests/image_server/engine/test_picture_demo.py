"""The demo model that draws: made once, the same each time, and quick to find up to date."""

import json
import subprocess
import sys
from pathlib import Path

from switchyard_image_server.demo.make import RECIPES, is_current, make
from switchyard_image_server.demo.picture import write_picture_model


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_the_same_release_of_torch_makes_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    write_picture_model(tmp_path / "again")

    assert content(tmp_path / "again") == content(demo / "image")


def test_is_small_and_readable_by_any_user(demo: Path) -> None:
    files = [path for path in (demo / "image").rglob("*") if path.is_file()]

    assert sum(path.stat().st_size for path in files) < 3_000_000
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in files)


def test_its_own_defaults_make_a_small_picture(demo: Path) -> None:
    assert json.loads((demo / "image" / "image_defaults.json").read_text())["size"] == "256x256"


def test_finding_it_up_to_date_imports_no_torch(demo: Path) -> None:
    assert is_current(demo / "image", RECIPES["image"])
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from switchyard_image_server.demo.make import make\n"
        f"make(Path({str(demo)!r}))\n"
        "assert 'torch' not in sys.modules"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    assert [line.split(" in ")[0] for line in ended.stdout.splitlines()] == [
        f"demo model {name}: up to date" for name in ("chat", "vision", "image")
    ]


def test_another_release_of_a_library_makes_it_anew(demo: Path) -> None:
    recipe = RECIPES["image"]

    older = type(recipe)(recipe.write, recipe.sources, (*recipe.packages, "no-such-package"))

    assert older.stamp() != recipe.stamp()
    assert make is not None
