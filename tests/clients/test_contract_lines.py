"""No line of the wire contract is left without a test that names it."""

import re
from pathlib import Path

import pytest

COUNTS = {"R": 9, "E": 6, "S": 11, "I": 5, "U": 4, "D": 3}
LINES = [f"{letter}{number}" for letter, count in COUNTS.items() for number in range(1, count + 1)]


@pytest.mark.parametrize("line", LINES)
def test_a_test_names(line: str) -> None:
    files = Path(__file__).parent.glob("test_*.py")

    named = {name for file in files for name in re.findall(r'contract\("(\w+)"\)', file.read_text())}

    assert line in named
