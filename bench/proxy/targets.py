"""What is measured: nothing in between, nginx, LiteLLM, and ours. Each is started as its operator would start
it, with one worker, and asked in the same words. What is not installed is left out, with a word on what to do.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from bench.proxy import processes
from bench.proxy.manager import granting

KEY = "sk-bench-0123456789abcdef0123456789abcdef"
CORE = 0
READY_WITHIN_S = 120.0
LIMITS = ("--rpm", "1000000000", "--concurrent", "100000", "--tokens-per-day", "1000000000000")
VENV = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "switchyard-bench/litellm"


class MissingError(Exception):
    """A target cannot be measured here; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Running:
    """A target that answers on a port. `root` is the process that began it; nothing runs for `direct`."""

    name: str
    port: int
    root: int | None
    key: str

    @property
    def pids(self) -> list[int]:
        return [] if self.root is None else processes.tree(self.root)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a target needs to know."""

    upstream: int
    folder: Path
    models: Sequence[str]
    litellm_venv: Path = VENV


Target = Callable[[Plan], contextlib.AbstractContextManager[Running]]


@contextlib.contextmanager
def direct(plan: Plan) -> Iterator[Running]:
    yield Running("direct", plan.upstream, None, KEY)


NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-errors.log;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    client_max_body_size 64m;
    keepalive_requests 100000000;
    upstream engine {{
        server 127.0.0.1:{upstream};
        keepalive 1024;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://engine;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_read_timeout 600s;
        }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(plan: Plan) -> Iterator[Running]:
    program = shutil.which("nginx")
    if program is None:
        raise MissingError("cannot measure nginx: it is not installed; apt-get install nginx")
    port = _free_port()
    config = plan.folder / "nginx.conf"
    config.write_text(NGINX.format(folder=plan.folder, upstream=plan.upstream, port=port))
    with _served("nginx", (program, "-p", plan.folder, "-c", config), port, plan) as running:
        yield running


LITELLM = """\
model_list:
{models}
general_settings:
  master_key: {key}
litellm_settings:
  request_timeout: 600
  telemetry: false
"""
LITELLM_MODEL = """\
  - model_name: {model}
    litellm_params:
      model: openai/{model}
      api_base: http://127.0.0.1:{upstream}/v1
      api_key: none
"""


@contextlib.contextmanager
def litellm(plan: Plan) -> Iterator[Running]:
    program = plan.litellm_venv / "bin/litellm"
    if not program.exists():
        _install_litellm(plan.litellm_venv)
    port = _free_port()
    models = "".join(LITELLM_MODEL.format(model=model, upstream=plan.upstream) for model in plan.models)
    config = plan.folder / "litellm.yaml"
    config.write_text(LITELLM.format(models=models, key=KEY))
    command = (program, "--config", config, "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1")
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_TELEMETRY": "False"}
    with _served("LiteLLM", command, port, plan, quiet) as running:
        yield running


def _install_litellm(venv: Path) -> None:
    """It wants an environment of its own: it pins what others need in other versions."""
    print(f"installing LiteLLM into {venv}", file=sys.stderr)
    try:
        subprocess.run((sys.executable, "-m", "venv", venv), check=True)
        subprocess.run((venv / "bin/pip", "install", "--quiet", "litellm[proxy]"), check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingError(
            f"cannot measure LiteLLM: {error}; install 'litellm[proxy]' into an environment and name it "
            "with --litellm-venv"
        ) from error


@contextlib.contextmanager
def ours(plan: Plan) -> Iterator[Running]:
    """With its defaults, and a named key whose limits are counted and never reached."""
    port = _free_port()
    program = Path(sys.executable).with_name("switchyard-proxy")
    key = _key((program, "keys", "add", f"bench-{port}", "--state", plan.folder, *LIMITS))
    with granting(plan.models, f"http://127.0.0.1:{plan.upstream}") as manager:
        command = (program, "--port", str(port), "--manager", manager)
        settings = {"SWITCHYARD_AUTH": "on", "SWITCHYARD_STATE": str(plan.folder)}
        with _served("ours", command, port, plan, settings, key) as running:
            yield running


def _key(command: Sequence[str | Path]) -> str:
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    if made.returncode:
        raise MissingError(f"cannot measure ours: it makes no key\n{made.stderr[-2000:]}")
    return made.stdout.strip()


TARGETS: dict[str, Target] = {"direct": direct, "nginx": nginx, "litellm": litellm, "ours": ours}


@contextlib.contextmanager
def _served(
    name: str,
    command: Sequence[str | Path],
    port: int,
    plan: Plan,
    environment: Mapping[str, str] | None = None,
    key: str = KEY,
) -> Iterator[Running]:
    log = plan.folder / f"{name}.log"
    process = processes.start(command, CORE, log, environment)
    try:
        if not _answers(port, plan.models[0], key, process.poll):
            raise MissingError(f"cannot measure {name}: it does not answer\n{log.read_text()[-2000:]}")
        yield Running(name, port, process.pid, key)
    finally:
        processes.end(process)


def _answers(port: int, model: str, key: str, ended: Callable[[], int | None]) -> bool:
    """Once a first request was served; loading code and granting the model are no part of the measure."""
    body = f'{{"model":"{model}","messages":[{{"role":"user","content":"hello"}}]}}'.encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    until = monotonic() + READY_WITHIN_S
    while monotonic() < until and ended() is None:
        with contextlib.suppress(OSError, urllib.error.URLError):
            request = urllib.request.Request(url, body, headers)
            with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
                return bool(reply.status == 200)
        processes.pause(0.1)
    return False


def _free_port() -> int:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        return int(finder.getsockname()[1])
