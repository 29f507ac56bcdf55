"""Copy the page's libraries out of their published packages into `ui/vendor/`, each with its licence.

Run by whoever changes a version here: `python setup/vendor_ui.py`. Needs npm; a clone needs neither. Nothing is
built: what is changed in a file (imports, the source map's line, a module's wrapping) is listed in `CHANGES`.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

UI = Path(__file__).parent.parent / "proxy/src/switchyard_proxy/ui"
LANGUAGES = (
    *("bash", "cpp", "css", "diff", "dockerfile", "go", "ini", "java"),
    *("javascript", "json", "python", "rust", "sql", "typescript", "xml", "yaml"),
)


@dataclass(frozen=True, slots=True)
class Library:
    """A package, pinned by the hash of its archive; `files` says what becomes what below `vendor/<folder>/`."""

    folder: str
    package: str
    version: str
    licence: str
    sha512: str
    files: dict[str, str]


LIBRARIES = (
    Library(
        "preact",
        "preact",
        "11.2.0",
        "MIT",
        "/HfHI/7N84e6GrWBJ3J280z3mLaRJiDcSvj/A+y/4AbLnND/1UlGHe1sR6oYuTGwId0nP7dqDU9OnLxMPZ7xBg==",
        {"dist/preact.mjs": "preact.js", "hooks/dist/hooks.mjs": "hooks.js"},
    ),
    Library(
        "htm",
        "htm",
        "3.1.1",
        "Apache-2.0",
        "983Vyg8NwUE7JkZ6NmOqpCZ+sh1bKv2iYTlUkzlWmA5JD2acKoxd4KVxbMmxX/85mtfdnDmTFoNKcg5DGAvxNQ==",
        {"dist/htm.mjs": "htm.js"},
    ),
    Library(
        "signals",
        "@preact/signals",
        "2.11.4",
        "MIT",
        "Rb+5RPo9gWSaHtzJeauhHxiC8KP/IF2DEPkHPEOGOnuy2wnJzRqyeLRankUCYd6ADqtxS6GnWGv6Ie343d8aYw==",
        {"dist/signals.mjs": "signals.js"},
    ),
    Library(
        "signals-core",
        "@preact/signals-core",
        "1.14.5",
        "MIT",
        "vcRv7Ityz5JVmeiVqIluLFzT/PDS/AlhHUpw3/aUWqcVUs6bDGIPXE/6RSC4evBNWYvnniozg5Syfj33al3gkg==",
        {"dist/signals-core.mjs": "signals-core.js"},
    ),
    Library(
        "marked",
        "marked",
        "18.2.1",
        "MIT",
        "ii4bxCTCqqwpT86XZWgJNs+ZnAIZksmLGYMViWA7PDIXYIeNo1x6cDdX3JOip9NM/cI6p8z57FxliACboTruMA==",
        {"lib/marked.esm.js": "marked.js"},
    ),
    Library(
        "highlight",
        "@highlightjs/cdn-assets",
        "11.12.0",
        "BSD-3-Clause",
        "KvOKXODaiFmId9xaq3xc5xCL66wVLUuOngDbO9B/kewbFTqdGbn2nJxNhN3H5R1cgDTVj6R8vH0zgiNDEGjpDw==",
        {
            "es/core.min.js": "core.js",
            **{f"es/languages/{name}.min.js": f"languages/{name}.js" for name in LANGUAGES},
        },
    ),
    Library(
        "katex",
        "katex",
        "0.19.1",
        "MIT",
        "jG8uKntjSEcm2EpQOh0XturpPuuC9r3Sq5HLHdsFdWZT27E672SF19QEi+of0/YeOy15lDgRhKvr5614uRrEfA==",
        {"dist/katex.min.js": "katex.js"},
    ),
    Library(
        "jetbrains-mono",
        "@fontsource-variable/jetbrains-mono",
        "5.3.0",
        "OFL-1.1",
        "F32xpS2NsGYoQi2ADSkKTgpJj7ozajsGgDJ8woTnqjmIB+dxDIqImjl4pXZVEExu8UFZ2ndhmX18EBS/hdz3Lw==",
        {
            "files/jetbrains-mono-latin-wght-normal.woff2": "latin.woff2",
            "files/jetbrains-mono-cyrillic-wght-normal.woff2": "cyrillic.woff2",
        },
    ),
)
IMPORTS = {
    "preact": "preact/preact.js",
    "preact/hooks": "preact/hooks.js",
    "@preact/signals-core": "signals-core/signals-core.js",
}
# The minified KaTeX exists for CommonJS only; its module form is twice as large.
COMMON_JS = {"katex/katex.js"}
CHANGES = (
    "a source map's line is left out",
    "a bare import (`preact`) becomes the path of our file",
    "a CommonJS file is wrapped so that it exports its value by default",
)


def main() -> None:
    target = UI / "vendor"
    shutil.rmtree(target, ignore_errors=True)
    entries = [_vendor(library, target) for library in LIBRARIES]
    manifest = {"changes": CHANGES, "libraries": entries}
    (UI / "vendor.json").write_text(json.dumps(manifest, indent=2) + "\n")


def _vendor(library: Library, target: Path) -> dict[str, object]:
    folder = target / library.folder
    with tempfile.TemporaryDirectory() as name:
        archive = _packed(library, Path(name))
        with tarfile.open(archive) as tar:
            tar.extractall(name, filter="data")
        package = Path(name) / "package"
        for source, copy in (library.files | {"LICENSE": "LICENSE.txt"}).items():
            path = folder / copy
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_ours((package / source).read_bytes(), f"{library.folder}/{copy}"))
    return {
        "name": library.package,
        "version": library.version,
        "licence": library.licence,
        "archive_sha512": library.sha512,
        "files": {
            path.relative_to(target).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    }


def _packed(library: Library, folder: Path) -> Path:
    """The package's archive. Raises `SystemExit` where it is not the one that was pinned."""
    wanted = f"{library.package}@{library.version}"
    subprocess.run(["npm", "pack", "--silent", wanted], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != library.sha512:
        raise SystemExit(f"cannot vendor {wanted}: its archive hashes to {found}, not to {library.sha512}")
    return archive


def _ours(content: bytes, path: str) -> bytes:
    if not path.endswith(".js"):
        return content
    text = re.sub(r"(?m)\s*//# sourceMappingURL=\S+\s*$", "\n", content.decode())
    text = re.sub(r"""(from|import)(\s*)["']([^"'./][^"']*)["']""", lambda found: _relative(found, path), text)
    if path in COMMON_JS:
        text = f"const module = {{ exports: {{}} }}, exports = module.exports;\n{text}\n"
        text += "export default module.exports;\n"
    return text.encode()


def _relative(found: re.Match[str], path: str) -> str:
    depth = len(PurePosixPath(path).parent.parts)
    if found[3] not in IMPORTS:
        return found[0]
    return f'{found[1]}{found[2]}"{"../" * depth}{IMPORTS[found[3]]}"'


if __name__ == "__main__":
    main()
