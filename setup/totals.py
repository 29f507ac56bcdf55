"""Add up what several test runs said, in JUnit's XML. Runs nothing itself, and needs the standard library only.

The last line is `N passed, N failed, N skipped`. What was left out is named before it, with the reason.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    outcome: str  # passed, failed or skipped
    reason: str = ""


def main() -> int:
    asked = _arguments()
    cases = [case for file in asked.results for case in _read(file)]
    failed = [case for case in cases if case.outcome == "failed"]
    left_out = [case for case in cases if case.outcome == "skipped"]
    _show("Failed:", failed)
    _show("Left out:", left_out)
    too_little = bool(left_out) and asked.nothing_left_out
    if too_little:
        _say("cannot pass: in CI no test may be left out; install what the lines above ask for")
    elif asked.failed and not failed:
        _say("cannot pass: something other than a test failed; look for it above")
    passed = len(cases) - len(failed) - len(left_out)
    _say(f"{passed} passed, {len(failed)} failed, {len(left_out)} skipped")
    return int(bool(failed) or too_little or asked.failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--nothing-left-out", action="store_true", help="a test that was left out is a failure")
    parser.add_argument("--failed", action="store_true", help="a run failed, whatever its file says")
    return parser.parse_args()


def _read(file: Path) -> Iterator[Case]:
    try:
        root = ET.parse(file).getroot()  # noqa: S314 - written by our own test run
    except (OSError, ET.ParseError):
        yield Case(file.stem, "failed", "this run did not come to its end")
        return
    for case in root.iter("testcase"):
        yield _judge(case)


def _judge(case: ET.Element) -> Case:
    name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
    for bad in (*case.iter("failure"), *case.iter("error")):
        return Case(name, "failed", bad.get("message", ""))
    for skipped in case.iter("skipped"):
        # A known fault that showed itself as expected was run, not left out.
        if skipped.get("type") != "pytest.xfail":
            return Case(name, "skipped", skipped.get("message") or skipped.text or "")
    return Case(name, "passed")


def _show(title: str, cases: list[Case]) -> None:
    if cases:
        _say(title)
    for case in cases:
        _say(f"  {case.name}: {' '.join(case.reason.split())[:300]}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
