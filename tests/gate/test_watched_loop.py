"""What only shows when it runs: our code blocks the event loop, or a test leaves a task behind.

All is planted in one copy and run once; each test here reads what became of its own planted test.
"""

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.gate.conftest import WITHIN_S, Tree, copy_of_the_tree

pytestmark = pytest.mark.timeout(WITHIN_S + 60)

BLOCKS = {
    "a_sleep": ("import time", "time.sleep(0.01)", "time.sleep"),
    "a_file_read": ("from pathlib import Path", "Path(__file__).read_text()", "io.TextIOWrapper.read"),
    "a_socket": (
        "import socket",
        'a, b = socket.socketpair(); b.send(b"x"); a.recv(1); a.close(); b.close()',
        "socket.socket.send",
    ),
    "a_process": ("import subprocess", 'subprocess.run(["true"])', "subprocess.Popen"),
    "a_name_looked_up": ("import socket", 'socket.getaddrinfo("localhost", 80)', "socket.getaddrinfo"),
    "a_database": ("import sqlite3", 'sqlite3.connect(":memory:").execute("select 1")', "sqlite3"),
    "a_sleep_that_a_broad_except_hides": (
        "import time",
        "try:\n        time.sleep(0.01)\n    except Exception:\n        pass",
        "our code blocked the event loop: time.sleep",
    ),
}
ALLOWED = {
    "a_thread": ("import asyncio, time", "await asyncio.to_thread(time.sleep, 0.01)"),
    "a_process_of_asyncio": (
        "import asyncio",
        'process = await asyncio.create_subprocess_exec("true"); await process.wait()',
    ),
}
OTHER_TESTS = """
import asyncio
from switchyard_proxy import planted


async def forgotten():
    await asyncio.Event().wait()


async def test_a_task_left_behind():
    asyncio.create_task(forgotten(), name="stray")


async def test_a_task_in_a_group():
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))


async def test_what_blocks_called_by_the_test_itself():
    assert planted.reads()
"""


@pytest.fixture(scope="module")
def became(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Of each planted test, what was said; an empty text if it passed."""
    tree = copy_of_the_tree(tmp_path_factory.mktemp("watched"))
    plant(tree)
    verdict = tree.gate("proxy")
    assert not verdict.is_open
    return outcomes(tree.results / "proxy.xml")


def plant(tree: Tree) -> None:
    ours = "from pathlib import Path\n\n\ndef reads():\n    return Path(__file__).read_text()\n"
    theirs = OTHER_TESTS
    for name, (imports, call, *_) in (BLOCKS | ALLOWED).items():
        ours += f"\n\n{imports}\n\n\nasync def {name}():\n    {call}\n"
        theirs += f"\n\nasync def test_{name}():\n    await planted.{name}()\n"
    tree.add("proxy/src/switchyard_proxy/planted.py", ours)
    tree.add("tests/proxy/test_planted.py", theirs)


def outcomes(results: Path) -> dict[str, str]:
    said: dict[str, str] = {}
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 - written by our own test run
        name = case.get("name", "").removeprefix("test_")
        said[name] = said.get(name, "") + "".join(
            f"{bad.get('message')}{bad.text}" for kind in ("failure", "error") for bad in case.iter(kind)
        )
    return said


@pytest.mark.parametrize("name", BLOCKS)
def test_our_code_may_not_block_the_event_loop(became: Mapping[str, str], name: str) -> None:
    assert BLOCKS[name][2] in became[name]
    assert "planted.py" in became[name]


@pytest.mark.parametrize("name", ALLOWED)
def test_what_blocks_elsewhere_is_allowed(became: Mapping[str, str], name: str) -> None:
    assert became[name] == ""


def test_a_test_may_call_what_blocks(became: Mapping[str, str]) -> None:
    assert became["what_blocks_called_by_the_test_itself"] == ""


def test_a_task_left_behind_is_named(became: Mapping[str, str]) -> None:
    said = "this test left tasks running: stray (forgotten). Own them in a TaskGroup."

    assert said in became["a_task_left_behind"]


def test_a_task_in_a_group_is_no_fault(became: Mapping[str, str]) -> None:
    assert became["a_task_in_a_group"] == ""
