"""`switchyard validate`: what it prints and how it exits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from switchyard_contracts.catalog import CatalogRefused
from switchyard_manager.cli.validate import LARGEST_BYTES, _read_text, validate

APP = typer.Typer()
APP.command()(validate)
NOBODY = 65534
GOOD = {"llama3": {"container": "box", "port": 8001}}


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(APP, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def written(folder: Path, content: object) -> str:
    file = folder / "models.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(file)


def test_a_good_file_is_praised_with_its_models(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD | {"flux": {"container": "flux", "port": 8002, "type": "image"}})

    assert run(file) == (0, f"{file} is valid: 2 models (llama3, flux)\n")


def test_of_many_models_only_the_first_are_named(tmp_path: Path) -> None:
    file = written(tmp_path, {f"m{port}": {"container": f"c{port}", "port": port} for port in range(1, 13)})

    names = ", ".join(f"m{port}" for port in range(1, 11))
    assert run(file) == (0, f"{file} is valid: 12 models ({names} and 2 more)\n")


def test_without_a_name_it_checks_models_json_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)

    assert run() == (0, "models.json is valid: 1 model (llama3)\n")


def test_every_fault_has_its_line_and_the_count_comes_last(tmp_path: Path) -> None:
    file = written(tmp_path, {"llama3": {"container": "box", "prt": 8001, "pinned": 1}})

    code, output = run(file)

    assert code == 1
    assert output.splitlines() == [
        "llama3.prt: cannot use the unknown key 'prt'; did you mean 'port'?",
        "llama3.pinned: cannot use the number 1; write true or false",
        f"{file} is not valid: 2 faults",
    ]


def test_programs_get_json(tmp_path: Path) -> None:
    good, bad = written(tmp_path, GOOD), str(tmp_path / "none.json")

    assert json.loads(run(good, "--json")[1]) == {
        "file": good,
        "valid": True,
        "models": ["llama3"],
        "faults": [],
    }
    code, output = run(bad, "--json")
    told = f"cannot find {bad}; name the file, as in `switchyard validate FILE`"
    assert (code, json.loads(output)["faults"]) == (1, [{"path": "", "message": told}])


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = str(tmp_path / "none.json")

    code, output = run(file)

    assert code == 1
    assert output == (
        f"cannot find {file}; name the file, as in `switchyard validate FILE`\n{file} is not valid: 1 fault\n"
    )


def test_a_folder_is_told(tmp_path: Path) -> None:
    code, output = run(str(tmp_path))

    assert code == 1
    assert output.startswith(f"cannot read {tmp_path}, which is a folder; name the file inside it\n")


def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    file = Path(written(tmp_path, GOOD))
    file.chmod(0)
    myself = os.geteuid()

    os.seteuid(NOBODY if myself == 0 else myself)  # root may read everything
    try:
        with pytest.raises(CatalogRefused) as refused:
            _read_text(file)
    finally:
        os.seteuid(myself)

    told = f"cannot read {file} for lack of permission; allow this user to read it"
    assert [str(fault) for fault in refused.value.faults] == [told]


def test_a_path_that_cannot_be_one_is_told() -> None:
    code, output = run("x" * 5000)

    assert code == 1
    assert "; check the path" in output


def test_a_file_of_another_encoding_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, '{"ü": 1}'.encode("latin-1"))

    code, output = run(file)

    assert code == 1
    assert output.startswith(f"cannot read byte 2 of {file} as UTF-8; save the file as UTF-8\n")


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    file = written(tmp_path, b"\xef\xbb\xbf" + json.dumps(GOOD).encode())

    assert run(file)[0] == 0


def test_a_file_too_large_to_be_a_catalog_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, b" " * (LARGEST_BYTES + 1))

    code, output = run(file)

    assert code == 1
    assert output.startswith(f"cannot read {file}, which is over 16 MiB; name a catalog\n")


def test_a_file_name_that_is_no_text_is_still_shown(tmp_path: Path) -> None:
    file = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json")

    code, output = run(file)

    assert code == 1
    assert rf"cannot find {tmp_path}/\xff.json;" in output


def test_a_terminal_that_knows_only_ascii_gets_escapes(tmp_path: Path) -> None:
    file = written(tmp_path, {"llama3": {"container": "ü", "port": 1}})

    result = CliRunner(charset="ascii").invoke(APP, [file])

    assert result.exit_code == 1
    assert r'llama3.container: cannot use the text "\xfc"' in result.output


@settings(max_examples=200)
@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"\xff\xfe{\x00}\x00")
@example(b"[" * 100_000)
@example(b'{"a": ' + b"9" * 10_000 + b"}")
def test_no_bytes_whatever_get_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = written(tmp_path_factory.getbasetemp(), content)

    code, output = run(file)

    assert code in (0, 1)
    assert "Traceback" not in output
    assert output.endswith(("fault\n", "faults\n", ")\n"))


def test_the_command_that_is_installed_does_the_same(tmp_path: Path) -> None:
    file = written(tmp_path, {"llama3": {"container": "box", "prt": 8001}})

    done = subprocess.run(
        [sys.executable, "-m", "switchyard_manager.cli", "validate", file],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-1] == f"{file} is not valid: 1 fault"
