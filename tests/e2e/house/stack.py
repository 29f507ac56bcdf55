"""The product as compose.yaml ships it, with real engines in it, and how a test looks at all of that.

Nothing here waits for a fixed time, and nothing reaches into a service: it asks what an operator could ask.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import httpx
from anthropic import Anthropic
from docker.errors import NotFound
from openai import OpenAI

from tests.e2e.compose.conftest import NOBODY, Clone
from tests.e2e.docker import looking
from tests.e2e.docker.conftest import docker
from tests.pauses import pauses
from tests.vllm_on_cpu.models import card

Found = TypeVar("Found")

WITHIN_S = 300.0  # longer than anything takes here, on a busy machine too
SETTINGS = {"min_resident_s": 0, "load_cancel_grace_s": 0}
SLOW = "0.1"  # of a processor: some forty tokens a second
QUESTION: Any = [{"role": "user", "content": "Who are you?"}]


def until(found: Callable[[], Found | None], within_s: float = WITHIN_S) -> Found:
    """What is found, once it is."""
    deadline = time.monotonic() + within_s
    again = pauses()
    while not (result := found()):
        assert time.monotonic() < deadline, f"waited {within_s:g} s in vain"
        time.sleep(next(again))  # noqa: TID251 - it watches other processes
    return result


@dataclass(frozen=True)
class Container:
    """An engine's, as Docker tells of it."""

    id: str

    def inspect(self) -> dict[str, Any]:
        return looking.inspected(self.id)

    def is_running(self) -> bool:
        """Now; a list of containers may be older than its answer."""
        with contextlib.suppress(NotFound):
            return bool(self.inspect()["State"]["Running"])
        return False

    def kill(self) -> None:
        """All of it at once, as the kernel does when memory is short."""
        docker("kill", "--signal", "KILL", self.id)

    def remove(self) -> None:
        docker("rm", "--force", self.id)

    @contextlib.contextmanager
    def slowed(self) -> Iterator[None]:
        """Its streams last as long as a test wants; it is quick again afterwards, if it is there."""
        docker("update", "--cpus", SLOW, self.id)
        try:
            yield
        finally:
            with contextlib.suppress(AssertionError):
                docker("update", "--cpus", str(os.cpu_count()), self.id)

    def address(self, network: str) -> str:
        """From this machine only; on the network itself it goes by a name."""
        return str(self.inspect()["NetworkSettings"]["Networks"][network]["IPAddress"])


@dataclass(frozen=True)
class House(Clone):
    """A clone that is up. `entries` is what its catalog has when a test begins."""

    entries: Mapping[str, Any] = field(default_factory=dict)
    card_mib: int = 0

    # --- what the operator writes -----------------------------------------------------------------------------

    def write(
        self, models: Mapping[str, Any] | None = None, *, card_mib: int | None = None, wait: bool = True
    ) -> None:
        """Another catalog, as an editor writes it; then until the manager has read it."""
        said = {
            "models": dict(models or self.entries),
            "gpus": [card(card_mib or self.card_mib)],
            "settings": SETTINGS,
        }
        file, text = self.folder / "models.json", json.dumps(said)
        if wait and file.read_text() == text:
            return
        before = self.seq() if wait else 0
        fresh = self.folder / "models.json.new"
        fresh.write_text(text)
        os.chown(fresh, NOBODY, NOBODY)
        fresh.replace(file)
        if wait:
            until(lambda: self.happened(before, "catalog"))
            # What a card has is read again with the next look at the machine.
            until(lambda: self.status()["gpus"][0]["total_mib"] == (card_mib or self.card_mib))

    def edit(self, *models: str, card_mib: int | None = None, **fields: Any) -> None:
        """These fields of these models, and everything else as it is when a test begins."""
        changed = {name: {**self.entries[name], **fields} for name in models}
        self.write({**self.entries, **changed}, card_mib=card_mib)

    # --- what the manager says --------------------------------------------------------------------------------

    @cached_property
    def token(self) -> str:
        return docker("exec", self.service("manager"), "cat", "/run/switchyard/token").strip()

    def manager(self, method: str, path: str, **more: Any) -> Any:
        reply = httpx.request(
            *(method, f"http://127.0.0.1:{self.manager_port}/api/{path}"),
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=WITHIN_S,
            trust_env=False,
            **more,
        )
        return reply.raise_for_status().json()

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = self.manager("GET", "status")
        return told

    def model(self, name: str) -> dict[str, Any]:
        return next(model for model in self.status()["models"] if model["name"] == name)

    def phase(self, name: str) -> str:
        return str(self.model(name)["phase"])

    def phases(self) -> dict[str, str]:
        return {model["name"]: model["phase"] for model in self.status()["models"]}

    def seq(self) -> int:
        """Of the last thing that happened."""
        told = self.manager("GET", "history", params={"limit": 1})
        return int(told[-1]["seq"]) if told else 0

    def happened(self, after: int, kind: str, model: str | None = None) -> list[dict[str, Any]]:
        """Events of that kind, the oldest first."""
        told = self.manager("GET", "history", params={"after": after, "limit": 5000})
        return [one for one in told if one["kind"] == kind and model in {None, one["model"]}]

    def moves(self, after: int, model: str) -> list[str]:
        """The phases it has gone through."""
        return [one["data"]["after"] for one in self.happened(after, "phase", model)]

    def do(self, verb: str, model: str) -> None:
        self.manager("POST", f"models/{model}/{verb}")

    # --- what Docker says -------------------------------------------------------------------------------------

    def service(self, name: str) -> str:
        """The id of the container of manager or proxy."""
        return str(self.inspect(name)["Id"])

    def is_healthy(self, service: str) -> bool:
        """One that has ended keeps the health that it had."""
        state = self.inspect(service)["State"]
        return (state["Status"], state["Health"]["Status"]) == ("running", "healthy")

    def kill(self, service: str) -> None:
        """As the kernel does it: to Docker it is a crash, and nobody's wish. Afterwards it knows of it."""
        pid = self.inspect(service)["State"]["Pid"]
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.inspect(service)["State"]["Pid"] != pid)

    def containers(self, model: str | None = None) -> list[Container]:
        """The engines', those too that have ended and are about to be removed."""
        label = "switchyard.model" if model is None else f"switchyard.model={model}"
        return [Container(one) for one in looking.containers(labels=[label], network=self.name)]

    def running(self, model: str) -> list[Container]:
        return [container for container in self.containers(model) if container.is_running()]

    def container(self, model: str) -> Container:
        (found,) = self.containers(model)
        return found

    def sleeps(self, model: str) -> bool:
        """As its engine says itself."""
        url = f"http://{self.container(model).address(self.name)}:8000/is_sleeping"
        told = httpx.get(url, timeout=10, trust_env=False).raise_for_status().json()
        return bool(told["is_sleeping"])

    # --- who asks ---------------------------------------------------------------------------------------------

    @cached_property
    def key(self) -> str:
        return self.setup("keys", "show-first").strip()

    @cached_property
    def openai(self) -> OpenAI:
        return OpenAI(base_url=f"{self.url}/v1", api_key=self.key, max_retries=0, timeout=WITHIN_S)

    @cached_property
    def anthropic(self) -> Anthropic:
        return Anthropic(base_url=self.url, api_key=self.key, max_retries=0, timeout=WITHIN_S)

    def asks(self, model: str, **more: Any) -> str:
        """What it answers to a plain question, by openai-python."""
        reply = self.openai.chat.completions.create(model=model, messages=QUESTION, **more)
        return reply.choices[0].message.content or ""
