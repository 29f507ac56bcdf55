"""The page's commands and views, as the documents tell them: none that is not there, none left out."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
UI = ROOT / "proxy/src/switchyard_proxy/ui"
PAGE = (ROOT / "docs/web-interface.md").read_text()


def commands() -> set[str]:
    source = (UI / "shell/built-ins.js").read_text()
    verbs = re.search(r"\.\.\.\[([^\]]+)\]\.map\(\(verb\)", source)
    assert verbs is not None
    return set(re.findall(r'{ name: "(\w+)"', source)) | set(re.findall(r'"(\w+)"', verbs[1]))


def test_every_command_is_told_and_no_other() -> None:
    assert set(re.findall(r"`:(\w+)", PAGE)) == commands()


def test_every_view_is_told() -> None:
    views = re.findall(r'import\("\./(\w+)/view\.js"\)', (UI / "routes.js").read_text())

    assert re.findall(r"^\| (\w+) \|", PAGE.split("## Keys")[0], re.MULTILINE)[1:] == views
