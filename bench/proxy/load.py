"""The load and the engine behind it: two small programs in C, built where they run. They share a core of their
own and need a fraction of what any proxy needs, so that what is measured is the proxy.
"""

import contextlib
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from bench.proxy import processes
from bench.proxy.targets import MissingError, Running

CORE = 1
CALM = 0.1
SOURCES = Path(__file__).parent
MODELS = ("fast-1", "fast-16", "paced-20", "paced-100", "step-20")
ENDS_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Question:
    """What each connection asks again and again. The model's name tells the engine how to answer."""

    model: str
    streams: bool = False
    tokens: int = 128
    letters: int = 750

    def request(self, key: str) -> bytes:
        asked = {"model": self.model, "messages": [{"role": "user", "content": "x" * self.letters}]}
        more = {"max_tokens": self.tokens, **({"stream": True} if self.streams else {})}
        body = json.dumps({**asked, **more}, separators=(",", ":")).encode()
        head = (
            "POST /v1/chat/completions HTTP/1.1",
            "host: 127.0.0.1",
            f"authorization: Bearer {key}",
            "content-type: application/json",
            "accept: application/json, text/event-stream",
            "user-agent: bench",
            f"content-length: {len(body)}",
        )
        return "\r\n".join((*head, "", "")).encode() + body


@dataclass(frozen=True, slots=True)
class Load:
    """How many connections ask, and for how long; `requests` ends it sooner."""

    question: Question
    connections: int
    seconds: float
    warm_s: float = 0.5
    requests: int = 0


@dataclass(frozen=True, slots=True)
class Spread:
    p50_us: float
    p99_us: float
    n: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What one load came to. `ages`: how old events were when they arrived."""

    answers: int
    events: int
    errors: int
    lasted_s: float
    cpu_s: float
    loadgen_cpu_s: float
    took: Spread
    ages: Spread
    others: float = 0.0
    """What had nothing to do with the measure, as part of all cores."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The two programs, built; the engine listens on `upstream`."""

    folder: Path
    upstream: int
    engine: int

    @contextlib.contextmanager
    def loading(self, target: Running, load: Load) -> Iterator["subprocess.Popen[bytes]"]:
        """The load while it runs, for those who look on."""
        request = self.folder / f"{load.question.model}.http"
        request.write_bytes(load.question.request(target.key))
        numbers = (load.connections, load.warm_s, load.seconds, load.requests)
        pids = ",".join(map(str, target.pids))
        command = [self.folder / "loadgen", target.port, request, *numbers, pids]
        pinned = ["taskset", "--cpu-list", CORE, *command]
        with subprocess.Popen(
            list(map(str, pinned)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        ) as process:
            processes.favour(process.pid)
            try:
                yield process
            finally:
                process.kill()

    def run(self, target: Running, load: Load) -> Counted:
        """Twice if something else kept the machine busy; then the calmer one counts."""
        first = self._run(target, load)
        if first.others <= CALM:
            return first
        return min(first, self._run(target, load), key=lambda one: one.others)

    def _run(self, target: Running, load: Load) -> Counted:
        pids = [*target.pids, self.engine]
        began, all_s, own_s = monotonic(), processes.machine_s(), processes.processor_s(pids) + _children_s()
        with self.loading(target, load) as process:
            said = process.communicate(timeout=load.seconds + ENDS_WITHIN_S)
        own_s = processes.processor_s(pids) + _children_s() - own_s
        others_s = processes.machine_s() - all_s - own_s
        cores = os.cpu_count() or 1
        return replace(counted(target.name, *said), others=max(0.0, others_s / (monotonic() - began) / cores))


def _children_s() -> float:
    """Of programs that have ended: the load generator among them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def counted(name: str, said: bytes, complaints: bytes) -> Counted:
    """What the load generator printed. A refused request is shown, and never taken for a fast one."""
    if not said:
        raise RuntimeError(f"cannot load {name}: {complaints.decode()}")
    values = json.loads(said)
    if values["errors"]:
        print(f"  {name}: {values['errors']} errors, such as: {complaints.decode()[:400]}")
    took, ages = Spread(**values.pop("took")), Spread(**values.pop("ages"))
    return Counted(took=took, ages=ages, **values)


@contextlib.contextmanager
def prepared(folder: Path) -> Iterator[Bench]:
    compiler = shutil.which("cc")
    if compiler is None:
        raise MissingError(
            "cannot build the load generator: there is no C compiler; apt-get install gcc libc6-dev"
        )
    for program in ("upstream", "loadgen"):
        _build(compiler, folder, program)
    log = folder / "upstream.log"
    engine = processes.start((folder / "upstream", "0"), CORE, log)
    try:
        yield Bench(folder, _port(log, engine), engine.pid)
    finally:
        processes.end(engine)


def _build(compiler: str, folder: Path, program: str) -> None:
    command: Sequence[str | Path] = (compiler, "-O2", "-o", folder / program, SOURCES / f"{program}.c")
    subprocess.run(command, check=True)


def _port(log: Path, engine: "subprocess.Popen[bytes]") -> int:
    """The engine says its port in its first line."""
    while not (said := log.read_text()).endswith("\n"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise RuntimeError(f"cannot start the engine: it ended with {engine.wait(0.05)}")
    return int(said)
