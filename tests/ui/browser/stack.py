"""What the pages are looked at on: the real manager, the real proxy, the demo's engines and one that echoes.

Manager and proxy come up as a user has them. More proxies on the same manager can be had, to be killed, to ask
for keys, or to listen beyond this machine.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.conftest import ROOT, Yard, demo_catalog
from tests.ports import free_port

SCRIPTS = Path(sys.executable).parent
ECHO = Path(__file__).with_name("echo_engine.py")
LONG = "a-model-whose-name-goes-on-and-on-until-it-fits-in-no-column-of-any-table-that-a-phone-has"
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title = 'taken'</script>"
DEMOS = ("demo-chat", "demo-vision", "demo-image")
PROXY_UP_WITHIN_S = 30


def catalog() -> dict[str, Any]:
    """The three demo models, and models of the engine that echoes: by their names it knows what to be."""
    starters: Any = demo_catalog()["models"]
    echoes: dict[str, dict[str, Any]] = {
        "echo": {"aliases": ["repeat"], "description": "Says back what it is told."},
        # Of its own spec, as how long a load takes is learned for all that are made alike.
        "slow-to-load": {"description": "Takes a few seconds to load.", "context_length": 4096},
        "broken": {"description": "Fails to load, whatever is done."},
        LONG: {"description": f"A long name, and a description that means no good: {HOSTILE}"},
    }
    entry = {"type": "text", "engine": "image-server", "path": ".", "gpus": 0, "context_length": 8192}
    demos = {name: starters[name] for name in DEMOS}
    demos["demo-image-words"] = demos["demo-image"] | {"capabilities": ["images"]}
    return {"models": demos | {name: entry | more for name, more in echoes.items()}}


def engines(folder: Path) -> Path:
    """One command for both: whoever is not of the demo echoes."""
    echo, program = folder / "echo", folder / "engine"
    echo.write_text(f"#!{sys.executable} -SE\n{ECHO.read_text()}")
    real = ROOT / ".venv-image-server" / "bin" / "switchyard-image-server"
    choice = f'case "$*" in *demo-*) exec "{real}" "$@" ;; *) exec "{echo}" "$@" ;; esac'
    program.write_text(f"#!/bin/sh\n{choice}\n")
    for file in (echo, program):
        file.chmod(0o755)
    return program


@dataclass
class OwnProxy:
    """A proxy of one test's own, on the stack's manager. It keeps its port over restarts."""

    folder: Path
    settings: Mapping[str, str]
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    job: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self) -> "OwnProxy":
        bare = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHYARD_")}
        said = {"SWITCHYARD_PORT": str(self.port), "SWITCHYARD_STATE": str(self.folder)} | dict(self.settings)
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "proxy.log").open("ab") as log:
            self.job = subprocess.Popen([SCRIPTS / "switchyard-proxy"], env=bare | said, stdout=log, stderr=log)
        Yard.until(self.is_up, PROXY_UP_WITHIN_S)
        return self

    def is_up(self) -> bool:
        try:
            return bool(httpx.get(f"{self.url}/health", timeout=2).json().get("manager") == "connected")
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        if self.job is not None and self.job.poll() is None:
            self.job.kill()
            self.job.wait()

    def new_key(self, name: str, role: str = "use") -> str:
        command = (SCRIPTS / "switchyard-proxy", "keys", "add", name, "--role", role, "--state", self.folder)
        key = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        if self.is_up():
            Yard.until(lambda: self.knows(key), PROXY_UP_WITHIN_S)
        return key

    def knows(self, key: str) -> bool:
        """It reads its keys anew every now and then."""
        return httpx.get(f"{self.url}/v1/models", headers={"x-api-key": key}, timeout=5).is_success


@dataclass
class Stack:
    yard: Yard
    made: list[OwnProxy] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.yard.url

    def new_proxy(self, host: str = "127.0.0.1", **settings: str) -> OwnProxy:
        """Not started yet. `settings` as in the environment, without their prefix: `auth="on"`."""
        state = self.yard.folder / "state"
        said = {
            "SWITCHYARD_MANAGER": f"http://127.0.0.1:{self.yard.manager_port}",
            "SWITCHYARD_TOKEN_FILE": str(state / "token"),
            "SWITCHYARD_HOST": host,
            "SWITCHYARD_STOP_GRACE_S": "0",
        } | {f"SWITCHYARD_{name.upper()}": value for name, value in settings.items()}
        self.made.append(OwnProxy(self.yard.folder / f"proxy{len(self.made)}", said, host))
        return self.made[-1]

    def ask(self, model: str, message: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """As a program would, beside the page."""
        said = {"model": model, "messages": [{"role": "user", "content": message}]}
        return httpx.post(f"{self.url}/v1/chat/completions", json=said, headers=headers, timeout=60)


def lan_address() -> str | None:
    """This machine's address as others see it; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith("127.") else address
