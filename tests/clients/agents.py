"""Coding agents: whole programs that are asked one thing, in a home of their own, with no account anywhere."""

import asyncio
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.clients.programs import NODE_MODULES, node, plain_environment

PATIENCE_S = 50.0


@dataclass(frozen=True, slots=True)
class Ended:
    """An agent's last words."""

    code: int
    said: str
    complained: str

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.said}\n{self.complained}"


async def claude_code(url: str, home: Path, *, model: str = "claude-sonnet-4-5", key: str = "none") -> Ended:
    """Finds the proxy by its own variables; everything else that it would ask the network for is off."""
    program = _platform_package("@anthropic-ai", "claude-code-") / "claude"
    environment = {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": key,
        "CLAUDE_CONFIG_DIR": str(home / "claude"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "DISABLE_AUTOUPDATER": "1",
    }
    return await _ended(home, environment, str(program), "-p", "say hi", "--model", model)


async def codex(url: str, home: Path, *, model: str = "chat", idle_ms: int = 300_000) -> Ended:
    """Speaks Responses only, and gives up on a stream in which no event comes for `idle_ms`."""
    provider = {
        "name": "yard",
        "base_url": f"{url}/v1",
        "wire_api": "responses",
        "stream_idle_timeout_ms": idle_ms,
        "stream_max_retries": 0,
        "request_max_retries": 0,
    }
    settings = {
        "model": model,
        "model_provider": "yard",
        "analytics.enabled": False,
        "check_for_update_on_startup": False,
        **{f"model_providers.yard.{name}": value for name, value in provider.items()},
    }
    flags = [word for name, value in settings.items() for word in ("-c", f"{name}={json.dumps(value)}")]
    program = NODE_MODULES / "@openai" / "codex" / "bin" / "codex.js"
    (home / "codex").mkdir(exist_ok=True)
    environment = {"CODEX_HOME": str(home / "codex"), "OTEL_SDK_DISABLED": "true"}
    command = (
        node(),
        str(program),
        "exec",
        "--skip-git-repo-check",
        "--sandbox",
        "read-only",
        *flags,
        "say hi",
    )
    return await _ended(home, environment, *command)


def _platform_package(scope: str, prefix: str) -> Path:
    """npm installs the one that fits this machine."""
    return next(NODE_MODULES.glob(f"{scope}/{prefix}*"))


async def _ended(home: Path, environment: dict[str, str], *command: str) -> Ended:
    work = home / "work"
    work.mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=work,
        env=plain_environment() | {"HOME": str(home)} | environment,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            said, complained = await process.communicate()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return Ended(process.returncode or 0, said.decode().strip(), complained.decode().strip())
