"""Keep a folder of demo models up to date. Nothing is made that is there already.

Each model folder carries a stamp: a hash of what made it. A folder without the right stamp is made anew, in a
temporary folder that is then renamed, so that a reader sees a whole model or none. A lock keeps two makers
apart. The module that needs torch is imported only when the picture model has to be made.
"""

import fcntl
import hashlib
import importlib.metadata
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from switchyard_image_server.demo.language import write_language_model
from switchyard_image_server.demo.replies import chat_script, vision_script

STAMP = ".switchyard-demo"
_UNFINISHED = ".making-"
_SOURCES = Path(__file__).parent
_LANGUAGE_SOURCES = ("replies.py", "template.py", "tokens.py", "safetensors.py", "language.py")
_PICTURE_SOURCES = ("picture_tokens.py", "picture.py")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to write one model, and everything that the result depends on."""

    write: Callable[[Path], None]
    sources: tuple[str, ...]
    packages: tuple[str, ...] = ()

    def stamp(self) -> str:
        made_from = hashlib.sha256()
        for source in self.sources:
            made_from.update((_SOURCES / source).read_bytes())
        for package in self.packages:
            made_from.update(f"{package}={_version(package)}".encode())
        return made_from.hexdigest()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _write_chat(folder: Path) -> None:
    write_language_model(folder, chat_script())


def _write_vision(folder: Path) -> None:
    write_language_model(folder, vision_script(), vision=True)


def _write_image(folder: Path) -> None:
    from switchyard_image_server.demo.picture import write_picture_model

    write_picture_model(folder)


RECIPES: dict[str, Recipe] = {
    "chat": Recipe(_write_chat, _LANGUAGE_SOURCES),
    "vision": Recipe(_write_vision, _LANGUAGE_SOURCES),
    "image": Recipe(_write_image, _PICTURE_SOURCES, ("torch", "diffusers", "transformers", "tokenizers")),
}


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """One maker at a time. The lock goes with the process, however it ends."""
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_current(folder: Path, recipe: Recipe) -> bool:
    try:
        return (folder / STAMP).read_text(encoding="utf-8") == recipe.stamp()
    except OSError:
        return False


def _write(out: Path, name: str, recipe: Recipe) -> None:
    fresh = out / f"{_UNFINISHED}{name}"
    fresh.mkdir()
    recipe.write(fresh)
    for path in (fresh, *fresh.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # an engine may run as another user
    (fresh / STAMP).write_text(recipe.stamp(), encoding="utf-8")
    shutil.rmtree(out / name, ignore_errors=True)
    fresh.rename(out / name)


def make(out: Path, names: tuple[str, ...] = tuple(RECIPES), say: Callable[[str], None] = print) -> None:
    """Make what is missing or out of date; say one line per model."""
    out.mkdir(parents=True, exist_ok=True)
    with _alone(out):
        for leftover in out.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(leftover)
        for name in names:
            current = is_current(out / name, RECIPES[name])
            if not current:
                _write(out, name, RECIPES[name])
            say(f"demo model {name}: {'up to date' if current else 'made'} in {out / name}")
