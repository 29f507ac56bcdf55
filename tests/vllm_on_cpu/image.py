"""An image like vLLM's official one, but for CPUs: its entrypoint is `vllm serve`, and it takes arguments only.

Nothing is fetched. It holds this machine's own environment of vLLM under the same path, and what that needs of
this machine: Python, and libraries of the system. Two gigabytes, some ten seconds.

    python -m tests.vllm_on_cpu.image NAME
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.vllm_on_cpu.environment import FORKED, PYTHON, VLLM_ENV

# What vLLM calls (sh, lscpu), and what a person looks around with.
PROGRAMS = ("cat", "env", "id", "ls", "lscpu", "sh", "sleep", "touch")
FOLDERS = ("dev", "etc/ssl/certs", "proc", "root", "run", "sys", "tmp", "usr/local/bin", "var/tmp")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
USERS = "root:x:0:0:root:/root:/bin/sh\n"
# What only builds or tests something.
LEFT_OUT = ("*.a", "torch/include", "torch/test", "python3*/test", "python3*/config-*", "python3*/idlelib")
LEFT_OUT_OF_PYTHON = ("site-packages", "dist-packages")
# As `ldd` tells it: the system's own libraries, its loader, and Python's where that is one.
NEEDED = re.compile(r"^\s+(?:\S+ => )?(/(?:usr/)?lib(?:64)?/\S+|\S+/libpython3\S+) \(0x", re.MULTILINE)
CHANGES = (
    'ENTRYPOINT ["vllm", "serve"]',
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "ENV HOME=/root",
    "WORKDIR /root",
)
WHERE_IS_PYTHON = """
import json, sys, sysconfig
vars = {"base": sys.base_prefix, "platbase": sys.base_prefix, "installed_base": sys.base_prefix}
print(json.dumps([sysconfig.get_path("stdlib", vars=vars), sysconfig.get_path("platstdlib", vars=vars)]))
"""


def make(name: str, host: str = "") -> str:
    """`host`: of another Docker Engine than the usual one."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        libraries = _standard_libraries()
        _furnish(root)
        _copy_interpreter(root)
        for library in _needed_of_the_system(libraries):
            _copy(library, root)
        _import(name, root, libraries, host)
    return name


def _standard_libraries() -> tuple[Path, ...]:
    asked = subprocess.run([PYTHON, "-c", WHERE_IS_PYTHON], capture_output=True, check=True)
    return tuple(dict.fromkeys(map(Path, json.loads(asked.stdout))))


def _furnish(root: Path) -> None:
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "var/tmp").chmod(0o1777)
    (root / "etc/passwd").write_text(USERS)
    if CERTIFICATES.exists():
        _copy(CERTIFICATES, root)
    for program in PROGRAMS:
        found = shutil.which(program)
        if found is not None:
            shutil.copy(found, _place(Path("/bin", program), root))
    launcher = root / "usr/local/bin/vllm"
    launcher.write_text(f'#!/bin/sh\nexec "{PYTHON}" "/{FORKED.name}" "$@"\n')
    launcher.chmod(0o755)
    shutil.copy(FORKED, root)


def _copy_interpreter(root: Path) -> None:
    """To wherever the environment looks for it, by however many links."""
    link = PYTHON
    while link.is_symlink():
        link = link.parent / link.readlink()
        if not link.is_relative_to(VLLM_ENV):
            _copy(link, root)


def _needed_of_the_system(libraries: Iterable[Path]) -> set[Path]:
    folders = (VLLM_ENV, *(library / "lib-dynload" for library in libraries))
    compiled = [file for folder in folders for file in folder.rglob("*.so*") if file.is_file()]
    programs = [PYTHON.resolve(), *map(Path, filter(None, map(shutil.which, PROGRAMS)))]
    # It fails for those that need one another: what they miss, another brings along.
    told = subprocess.run(["ldd", *programs, *compiled], capture_output=True, text=True, check=False)
    return set(map(Path, NEEDED.findall(told.stdout)))


def _copy(file: Path, root: Path) -> None:
    shutil.copy(file, _place(file, root))


def _place(file: Path, root: Path) -> Path:
    place = root / file.relative_to("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _import(name: str, root: Path, libraries: Iterable[Path], host: str) -> None:
    folders = [library.relative_to("/") for library in libraries]
    others = [f"{folder}/{part}" for folder in folders for part in LEFT_OUT_OF_PYTHON]
    pack: list[str | Path] = [
        *("tar", "--create", "--owner=0", "--group=0", "--directory", root, "."),
        *("--directory", "/", *(f"--exclude={pattern}" for pattern in (*LEFT_OUT, *others))),
        *(VLLM_ENV.relative_to("/"), *folders),
    ]
    engine = ["docker", *(["--host", host] if host else [])]
    take = [*engine, "import", *(word for change in CHANGES for word in ("--change", change)), "-", name]
    with subprocess.Popen(pack, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as packing:
        taken = subprocess.run(take, stdin=packing.stdout, capture_output=True, text=True, check=False)
        _, complaint = packing.communicate()
    if taken.returncode or packing.returncode:
        raise RuntimeError(f"cannot make {name}: {taken.stderr}{complaint.decode()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", help="of the image that is to be made")
    make(parser.parse_args().name)


if __name__ == "__main__":
    main()
