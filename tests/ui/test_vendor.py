"""The page's libraries: each file is the one that was taken over, with its licence, and none is beside them."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
UI = ROOT / "proxy/src/switchyard_proxy/ui"
VENDOR = UI / "vendor"
MANIFEST = json.loads((UI / "vendor.json").read_text())
LIBRARIES: list[dict[str, Any]] = MANIFEST["libraries"]
# What each licence says of itself, so that a file of that name alone does not do.
SAYS = {
    "MIT": "Permission is hereby granted, free of charge",
    "Apache-2.0": "Apache License",
    "BSD-3-Clause": "Redistribution and use in source and binary forms",
    "OFL-1.1": "SIL OPEN FONT LICENSE",
}


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_file_is_as_it_was_taken_over() -> None:
    recorded = {path: found for library in LIBRARIES for path, found in library["files"].items()}

    assert recorded == {
        path.relative_to(VENDOR).as_posix(): hash_of(path) for path in VENDOR.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library["name"])
def test_every_library_has_its_licence_beside_it(library: dict[str, Any]) -> None:
    (licence,) = [VENDOR / path for path in library["files"] if path.endswith("LICENSE.txt")]

    assert SAYS[library["licence"]] in licence.read_text()


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library["name"])
def test_every_version_is_pinned_to_an_archive(library: dict[str, Any]) -> None:
    script = (ROOT / "setup/vendor_ui.py").read_text()

    assert re.fullmatch(r"\d+\.\d+\.\d+", library["version"])
    assert f'"{library["archive_sha512"]}"' in script
    assert f'"{library["version"]}"' in script


def test_every_import_leads_to_a_file_that_is_there() -> None:
    for path in VENDOR.rglob("*.js"):
        for name in re.findall(r"""\b(?:from|import) *["']([^"',;()]+)["']""", path.read_text()):
            assert (path.parent / name).is_file(), f"{path.name} asks for {name}"


def test_nothing_asks_for_a_source_map() -> None:
    assert not [path.name for path in VENDOR.rglob("*.js") if "sourceMappingURL" in path.read_text()]


def test_only_one_door_leads_to_what_draws() -> None:
    """A second copy of the renderer, reached by another address, would not share its state."""
    asks = re.compile(r"vendor/(?:preact|htm|signals)")
    ours = [path for path in UI.rglob("*.js") if VENDOR not in path.parents]
    doors = [path.name for path in ours if asks.search(imports(path))]

    assert doors == ["html.js"]


def imports(path: Path) -> str:
    return "\n".join(re.findall(r"""^.*\bfrom ["'].*$|\bimport\(.*$""", path.read_text(), re.MULTILINE))
