"""What engines in containers show, by the Docker Engine's own records; and one of them once more, beside."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from bench.switch.asking import PATIENCE_S, Question
from bench.switch.beside import Alone, Engine, headers_of, until_well

from switchyard_contracts.catalog import Model
from switchyard_manager.engines import ADAPTERS
from switchyard_manager.engines.progress import announces

SOCKET = "/var/run/docker.sock"
INSTALLATION, MODEL = "switchyard.installation", "switchyard.model"


def docker(*arguments: str) -> str:
    done = subprocess.run(("docker", *arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"cannot bench: docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout + (done.stderr if arguments[0] == "logs" else "")


def has_image(name: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        command = ("docker", "image", "inspect", name)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


def seconds(stamp: str) -> float:
    """Docker's times have nine digits after the point, and Python reads six."""
    whole, _, rest = stamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{rest or 0}")


@dataclass(frozen=True, slots=True)
class ContainerProgram:
    """A container as the manager made it."""

    told: Mapping[str, Any]

    def alone(self, model: Model, question: Question, naps: int) -> Alone:
        began = time.perf_counter()
        with _running(self._body()) as (name, port):
            headers = headers_of(dict(one.split("=", 1) for one in self.told["Config"]["Env"]))
            base = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=base, headers=headers, timeout=PATIENCE_S, trust_env=False) as client:
                until_well(client, ADAPTERS[model.engine].health(model), lambda: _runs(name))
                start_s = time.perf_counter() - began
                engine = Engine(client, model, question, headers)
                after_start, found = engine.turn(), engine.naps(naps)
            docker("kill", "--signal", "TERM", name)
            told = time.perf_counter()
            docker("wait", name)
            return Alone(start_s, after_start, found, time.perf_counter() - told)

    def _body(self) -> dict[str, Any]:
        """In Docker's own words, but for whose it is: the manager must not take it for its own."""
        config, host = self.told["Config"], self.told["HostConfig"]
        named = ("Image", "Entrypoint", "Cmd", "Env", "ExposedPorts", "User", "Healthcheck")
        kept = {name: config[name] for name in named if name in config}
        return {**kept, "HostConfig": {**host, "NetworkMode": "bridge"}}


@contextlib.contextmanager
def _running(body: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    with httpx.Client(
        transport=httpx.HTTPTransport(uds=SOCKET), base_url="http://docker", timeout=60
    ) as engine:
        made = engine.post("/containers/create", json=body).raise_for_status().json()["Id"]
    try:
        docker("start", made)
        ports = json.loads(docker("inspect", made))[0]["NetworkSettings"]["Ports"]
        yield made, int(next(given[0]["HostPort"] for given in ports.values() if given))
    finally:
        docker("rm", "--force", "--volumes", made)


def _runs(name: str) -> bool:
    return docker("inspect", "--format", "{{.State.Running}}", name).strip() == "true"


@dataclass(frozen=True, slots=True)
class ContainerWitness:
    """Of the engines of one installation."""

    state: Path

    def up(self, model: str, since: float, until: float) -> tuple[float, float]:
        container = self._newest(model)
        began = seconds(json.loads(docker("inspect", container))[0]["State"]["StartedAt"])
        lines = (line.partition(" ") for line in docker("logs", "--timestamps", container).splitlines())
        said = [seconds(stamp) for stamp, _, words in lines if announces(words)]
        return began, min(max(said, default=until), until)

    def ended(self, model: str, told: float, until: float) -> tuple[float, float]:
        """From the signal until it had ended."""
        times: dict[str, float] = {}
        for line in self._events(model, told - 1.0, until + 1.0):
            event = json.loads(line)
            at = event["timeNano"] / 1e9
            if told - 0.005 <= at <= until:
                times.setdefault(event["Action"], at)
        return times.get("kill", told), times.get("die", until)

    def program(self) -> ContainerProgram:
        return ContainerProgram(json.loads(docker("inspect", self._newest(None)))[0])

    def _events(self, model: str, since: float, until: float) -> list[str]:
        found = docker(
            *("events", "--since", f"{since:.6f}", "--until", f"{until:.6f}", "--format", "{{json .}}"),
            *("--filter", f"label={INSTALLATION}={self._installation}", "--filter", f"label={MODEL}={model}"),
        )
        return found.splitlines()

    def _newest(self, model: str | None) -> str:
        more = ("--filter", f"label={MODEL}={model}") if model else ()
        ours = ("--filter", f"label={INSTALLATION}={self._installation}")
        return docker("ps", "--quiet", "--no-trunc", *ours, *more).splitlines()[0]

    @property
    def _installation(self) -> str:
        return (self.state / "installation").read_text().strip()

    def remove_all(self) -> None:
        """Containers outlive their manager; these must not."""
        label = f"label={INSTALLATION}={self._installation}"
        if left := docker("ps", "--all", "--quiet", "--filter", label).split():
            docker("rm", "--force", "--volumes", *left)
        if networks := docker("network", "ls", "--quiet", "--filter", label).split():
            docker("network", "rm", *networks)


@contextlib.contextmanager
def watching_containers(state: Path) -> Iterator[ContainerWitness]:
    witness = ContainerWitness(state)
    try:
        yield witness
    finally:
        witness.remove_all()
