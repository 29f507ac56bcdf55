"""A machine with a Docker Engine of its own, and a project of Compose on it, as its operator has them.

What is asked here blocks; what runs for long is a `Stream`, which reads in a thread of its own.
"""

import contextlib
import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from docker.errors import NotFound

from tests.e2e.compose.conftest import NOBODY
from tests.e2e.docker import looking
from tests.e2e.docker.private_engine import PrivateEngine
from tests.e2e.house.hearing import Stream, request
from tests.e2e.house.stack import QUESTION, WITHIN_S, until
from tests.e2e.images import ROOT, succeed
from tests.e2e.proxy.hearing import Heard
from tests.e2e.two_machines.machines import Machine

MANAGER, GATE, PROXY = 8079, 8078, 8080
KEY = "sk-of-everybody"


def compose_command() -> tuple[str, ...]:
    asked = subprocess.run(("docker", "compose", "version"), capture_output=True, timeout=30, check=False)
    return ("docker", "compose") if asked.returncode == 0 else ("docker-compose",)


@dataclass
class Box:
    machine: Machine
    engine: PrivateEngine
    folder: Path
    file: str = "compose.yaml"
    settings: dict[str, str] = field(default_factory=dict)

    def furnish(self) -> None:
        """With what git has of Compose, and a folder that nobody on this machine owns."""
        self.folder.mkdir()
        (self.folder / "weights").mkdir()
        for file in ROOT.glob("compose*.yaml"):
            shutil.copy(file, self.folder)
        socket = Path(self.engine.host.removeprefix("unix://"))
        self.settings = {
            "COMPOSE_PROJECT_NAME": "box",
            "SWITCHYARD_DOCKER_SOCKET": str(socket),
            "SWITCHYARD_DOCKER_GID": str(socket.stat().st_gid),
            "SWITCHYARD_UID": str(NOBODY),
            "SWITCHYARD_GID": str(NOBODY),
            "SWITCHYARD_MODELS": str(self.folder / "weights"),
            "SWITCHYARD_API_KEY": KEY,
            **self.settings,
        }

    def note(self, file: str, **settings: str) -> None:
        """In `.env`, from where Compose reads it."""
        self.file = file
        self.settings |= {"COMPOSE_FILE": file, **settings}
        lines = "".join(f"{name}={value}\n" for name, value in self.settings.items())
        (self.folder / ".env").write_text(lines)

    def write(self, catalog: Mapping[str, Any]) -> None:
        fresh = self.folder / "models.json.new"
        fresh.write_text(json.dumps(catalog))
        fresh.replace(self.folder / "models.json")
        succeed("chown", "--recursive", f"{NOBODY}:{NOBODY}", self.folder)

    # --- Docker -----------------------------------------------------------------------------------------------

    def compose(self, *arguments: str) -> str:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHYARD_")}
        done = subprocess.run(
            [*compose_command(), *arguments],
            env=ours | {"DOCKER_HOST": self.engine.host},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def docker(self, *arguments: str | Path, within_s: float = 120) -> str:
        return succeed("docker", "--host", self.engine.host, *arguments, within_s=within_s).strip()

    def inspect(self, *filters: str) -> list[dict[str, Any]]:
        """The containers that have these labels, running or not."""
        found = []
        for container in looking.containers(labels=list(filters), host=self.engine.host):
            with contextlib.suppress(NotFound):  # gone meanwhile
                found.append(looking.inspected(container, self.engine.host))
        return found

    def service(self, name: str) -> dict[str, Any]:
        (found,) = self.inspect("com.docker.compose.oneoff=False", f"com.docker.compose.service={name}")
        return found

    def engines(self, model: str | None = None) -> list[dict[str, Any]]:
        return self.inspect("switchyard.model" if model is None else f"switchyard.model={model}")

    def until_healthy(self, *services: str) -> None:
        def are_healthy() -> bool:
            states = [self.service(service)["State"] for service in services]
            return all(state["Running"] and state["Health"]["Status"] == "healthy" for state in states)

        until(are_healthy)

    def until_met(self) -> None:
        """Until manager and proxy have met. For a moment, Docker calls healthy what only was so."""

        def met() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return bool(self.manager("GET", "status")["proxies"] == 1)
            return False

        until(met)

    # --- the manager ------------------------------------------------------------------------------------------

    @cached_property
    def token(self) -> str:
        return self.docker("exec", self.service("manager")["Id"], "cat", "/run/switchyard/token")

    def manager(self, method: str, path: str) -> Any:
        """Of its own API, asked on its own machine."""
        with closing(http.client.HTTPConnection("127.0.0.1", MANAGER, timeout=60)) as line:
            line.sock = self.machine.connect("127.0.0.1", MANAGER)
            line.request(method, f"/api/{path}", headers={"Authorization": f"Bearer {self.token}"})
            reply = line.getresponse()
            said = json.loads(reply.read())
        assert reply.status < 400, said
        return said

    def model(self, name: str) -> dict[str, Any]:
        models = self.manager("GET", "status")["models"]
        return next(dict(model) for model in models if model["name"] == name)


@dataclass(frozen=True)
class Client:
    """Somebody on a machine, and the address at which a proxy answers there."""

    machine: Machine
    host: str

    def streaming(self, model: str, tokens: int, *headers: str, **more: Any) -> Stream:
        asked = {"model": model, "messages": QUESTION, "stream": True, "max_tokens": tokens, **more}
        return self.sends(request("/v1/chat/completions", asked, KEY, *headers))

    def sends(self, asked: bytes) -> Stream:
        return Stream(PROXY, asked, self.machine.connect(self.host, PROXY, within_s=WITHIN_S))

    def asks(self, model: str, path: str = "/v1/chat/completions", **more: Any) -> Heard:
        """And waits for all of the answer."""
        asked = {"model": model, **({} if more else {"messages": QUESTION}), **more}
        return self.sends(request(path, asked, KEY)).whole()


def said(heard: Heard) -> str:
    """What a reply that does not stream has to say."""
    assert heard.status == 200, heard.raw[-800:]
    return str(json.loads(heard.body[0])["choices"][0]["message"]["content"])
