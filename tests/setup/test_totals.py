"""The last lines of `./setup.sh test`: how many tests ran, and what was left out."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.setup.conftest import ROOT

PASSED = '<testcase classname="tests.a" name="test_one"/>'
FAILED = '<testcase classname="tests.a" name="test_two"><failure message="assert 1 == 2"/></testcase>'
BROKEN = '<testcase classname="tests.a" name="test_three"><error message="fixture went"/></testcase>'
SKIPPED = '<testcase classname="tests.a" name="test_four"><skipped message="no Docker"/></testcase>'
KNOWN = (
    '<testcase classname="tests.a" name="test_five"><skipped type="pytest.xfail" message="known"/></testcase>'
)


def totals(folder: Path, *cases: str, options: tuple[str, ...] = ()) -> tuple[int, list[str]]:
    results = folder / "run.xml"
    results.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return add_up(results, *options)


def add_up(*arguments: Path | str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, ROOT / "setup" / "totals.py", *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.splitlines()


def test_the_last_line_counts(tmp_path: Path) -> None:
    code, said = totals(tmp_path, PASSED, FAILED, BROKEN, SKIPPED)

    assert code == 1
    assert said[-1] == "1 passed, 2 failed, 1 skipped"


def test_what_was_left_out_is_named_with_its_reason(tmp_path: Path) -> None:
    code, said = totals(tmp_path, PASSED, SKIPPED)

    assert code == 0
    assert said[:2] == ["Left out:", "  tests.a::test_four: no Docker"]


def test_in_ci_nothing_may_be_left_out(tmp_path: Path) -> None:
    code, said = totals(tmp_path, PASSED, SKIPPED, options=("--nothing-left-out",))

    assert code == 1
    assert "cannot pass: in CI no test may be left out; install what the lines above ask for" in said


def test_a_known_fault_that_showed_itself_was_not_left_out(tmp_path: Path) -> None:
    code, said = totals(tmp_path, KNOWN, options=("--nothing-left-out",))

    assert (code, said) == (0, ["1 passed, 0 failed, 0 skipped"])


@pytest.mark.parametrize("text", [None, "", "<testsuites><testsuite>"])
def test_a_run_that_did_not_come_to_its_end_failed(tmp_path: Path, text: str | None) -> None:
    results = tmp_path / "engine.xml"
    if text is not None:
        results.write_text(text)

    code, said = add_up(results)

    assert code == 1
    assert said == ["Failed:", "  engine: this run did not come to its end", "0 passed, 1 failed, 0 skipped"]


def test_a_failure_that_is_no_tests_is_not_forgotten(tmp_path: Path) -> None:
    code, said = totals(tmp_path, PASSED, options=("--failed",))

    assert code == 1
    assert said[-2:] == [
        "cannot pass: something other than a test failed; look for it above",
        "1 passed, 0 failed, 0 skipped",
    ]
