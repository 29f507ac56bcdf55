"""A load of 330 s at the proxy's own pace: `python -m tests.clients.slow_load`. By hand; tests wait less long.

Node's fetch ends any request that is silent for 300 s, so this is the load that tells whether beats save it.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.clients import agents, programs
from tests.clients.conftest import PROGRAMS, Yard
from tests.clients.programs import Program

LOAD_S = 330.0
GRACE_S = 60.0
AS_IN_LIFE = {"commit_after_s": 15, "heartbeat_s": 10}


async def waited_for(load_s: float, folder: Path) -> dict[str, str]:
    """What each client got."""
    async with AsyncExitStack() as stack:
        yard = Yard(stack)
        yard.folder = folder / "state"
        await yard.opens(load_s=load_s, **AS_IN_LIFE)
        asked: dict[str, Coroutine[Any, Any, str]] = {
            program.name: _client(yard, program) for program in PROGRAMS if program.name != "ollama"
        }
        asked["Claude Code"] = _agent(agents.claude_code(yard.url, _home(folder, "claude")))
        asked["Codex"] = _agent(agents.codex(yard.url, _home(folder, "codex")))
        async with asyncio.TaskGroup() as group:
            waiting = {name: group.create_task(asking) for name, asking in asked.items()}
        return {name: task.result() for name, task in waiting.items()}


async def _client(yard: Yard, program: Program) -> str:
    program.environment.clear()  # its own patience, not the tests'
    do, base = ("message", yard.url) if program.name == "anthropic" else ("chat", yard.v1)
    saw = await program.does(do, base_url=base, model="chat", stream=True)
    program.close()
    failed = "" if saw.error is None else f", {saw.error.kind}: {saw.error.message} {saw.error.cause or ''}"
    return f"{saw.took_s:.1f} s: {saw.text!r}{failed}"


async def _agent(running: Coroutine[Any, Any, agents.Ended]) -> str:
    ended = await running
    return ended.said if ended.code == 0 else str(ended)


def _home(folder: Path, name: str) -> Path:
    home = folder / name
    home.mkdir()
    return home


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--load-s", type=float, default=LOAD_S)
    load_s = parser.parse_args().load_s
    programs.PATIENCE_S = agents.PATIENCE_S = load_s + GRACE_S
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(waited_for(load_s, Path(folder)))
    for name, told in seen.items():
        sys.stdout.write(f"{name:12} {told}\n")
    return 0 if all("Hello there" in told for told in seen.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
