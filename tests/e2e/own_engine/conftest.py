"""A GPU box and a server with a cable between them, each with a Docker Engine of its own that may be killed.

The GPU box's Engine keeps everything on a small disk of its own, which may be filled. Both are made once; the
images get there by `docker save` and `docker load`.
"""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.compose.conftest import demo_models, has_compose
from tests.e2e.docker.private_engine import PrivateEngine, needs_one_of_its_own
from tests.e2e.images import ROOT, building, remove, succeed
from tests.e2e.own_engine.box import Box, Client
from tests.e2e.two_machines.machines import Machine, command, needs_two_machines, two_machines, until
from tests.manager.model_files.hub import Hub
from tests.vllm_on_cpu import image as vllm_on_cpu
from tests.vllm_on_cpu import tiny_model
from tests.vllm_on_cpu.models import CARD, card, text_model
from tests.vllm_on_cpu.tiny_model import Tiny

SPEAKER, PAINTER = "tiny-a", "demo-image"
COUNT = "count"
SECOND_COUNT = "count-too"
COUNTING = ROOT / "tests/e2e/proxy/counting_engine.py"
DISK_MIB = 16_000  # it takes what is written on it, no more
IMAGES = {
    "SWITCHYARD_MANAGER_IMAGE": "switchyard-manager:latest",
    "SWITCHYARD_PROXY_IMAGE": "switchyard-proxy:latest",
    "SWITCHYARD_IMAGE_SERVER_IMAGE": "switchyard-image-server:latest",
    "SWITCHYARD_VLLM_IMAGE": "switchyard-test:vllm",
}


def counting(**more: Any) -> dict[str, Any]:
    """It starts at once, and says numbers, so that what is missing shows."""
    said = {"type": "text", "engine": "container", "image": f"switchyard-test:{COUNT}", "port": 8000, "gpus": 0}
    return said | {"extra_args": ["--host", "0.0.0.0", "--port", "8000"]} | more


def catalog(**more: Any) -> dict[str, Any]:
    of_the_card = {"gpus": [CARD], "vram_mib": 3000, "context_length": 16384, "heartbeat_s": 1}
    models = {
        SPEAKER: text_model(f"/models/{SPEAKER}", **of_the_card),
        PAINTER: demo_models()[PAINTER],
        COUNT: counting(),
        SECOND_COUNT: counting(),
        **more,
    }
    settings = {"min_resident_s": 0, "load_cancel_grace_s": 0}
    return {"models": models, "gpus": [card(4000)], "settings": settings}


@dataclass
class Boxes:
    gpu: Box
    server: Box
    hub: Hub  # on the server

    @property
    def client(self) -> Client:
        """Somebody on the LAN, when all of it is on the GPU box."""
        return Client(self.server.machine, self.gpu.machine.address)


@pytest.fixture(scope="session")
def stack_images(base_image: str, image_server_image: str, vllm_is_here: None) -> Iterator[dict[str, str]]:
    """What they are called at their user's → what they are called on this machine's Engine."""
    name = base_image.partition(":")[0]
    made = {IMAGES["SWITCHYARD_IMAGE_SERVER_IMAGE"]: image_server_image}
    with building():
        for part in ("manager", "proxy"):
            made[IMAGES[f"SWITCHYARD_{part.upper()}_IMAGE"]] = f"{name}:{part}"
            build = ("docker", "build", "--network", "host", "--build-arg", f"BASE={base_image}", "--quiet")
            succeed(*build, "--file", ROOT / part / "Dockerfile", "--tag", f"{name}:{part}", ROOT)
        made[f"switchyard-test:{COUNT}"] = f"{name}:{COUNT}"
        entry = f'FROM {base_image}\nCOPY {COUNTING.name} /\nENTRYPOINT ["python3", "-S", "/{COUNTING.name}"]\n'
        packed = ("docker", "build", "--quiet", "--tag", f"{name}:{COUNT}", "--file", "-", COUNTING.parent)
        subprocess.run(packed, input=entry.encode(), check=True, capture_output=True, timeout=120)
    yield made
    remove(*(ours for ours in made.values() if ours != image_server_image))


def carry(images: dict[str, str], to: PrivateEngine) -> None:
    with subprocess.Popen(("docker", "save", *images.values()), stdout=subprocess.PIPE) as saving:
        load = ("docker", "--host", to.host, "load", "--quiet")
        subprocess.run(load, stdin=saving.stdout, check=True, capture_output=True, timeout=300)
    for name, here in images.items():
        succeed("docker", "--host", to.host, "tag", here, name)


@pytest.fixture(scope="package")
def boxes(stack_images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boxes]:
    """With nothing running yet."""
    needs_two_machines()
    needs_one_of_its_own()
    if not has_compose():
        pytest.skip("Compose is not installed")
    folder = tmp_path_factory.mktemp("boxes")
    with two_machines() as (gpu, server), on(server).running() as hub:
        engines = [
            PrivateEngine(live_restore=False, network=it.name, storage="overlay2") for it in (gpu, server)
        ]
        try:
            engines[0].put_on_a_disk(DISK_MIB)
            for machine in (gpu, server):
                # As on one that passed no packets on before it had Docker, which then passes on its own only.
                command(*machine.enter, "sysctl", "--quiet", "--write", "net.ipv4.ip_forward=0")
            for engine in engines:
                engine._launch()
            for engine in engines:
                until(engine._answers, engine._told)
            made = Boxes(Box(gpu, engines[0], folder / "gpu"), Box(server, engines[1], folder / "server"), hub)
            furnish(made, stack_images)
            yield made
        finally:
            for engine in engines:
                engine.clean_up()


def on(machine: Machine) -> Hub:
    return machine.does(lambda: Hub(machine.address, cdn=machine.address))


def furnish(boxes: Boxes, images: dict[str, str]) -> None:
    proxy = IMAGES["SWITCHYARD_PROXY_IMAGE"]
    with ThreadPoolExecutor() as hands:
        jobs = [
            hands.submit(carry, images, boxes.gpu.engine),
            hands.submit(carry, {proxy: images[proxy]}, boxes.server.engine),
            hands.submit(vllm_on_cpu.make, IMAGES["SWITCHYARD_VLLM_IMAGE"], boxes.gpu.engine.host),
        ]
        for job in jobs:
            job.result()
    for box in (boxes.gpu, boxes.server):
        box.furnish()
        box.settings |= IMAGES
    tiny_model.make(boxes.gpu.folder / "weights" / SPEAKER, Tiny(SPEAKER))
    boxes.gpu.write(catalog())


@pytest.fixture
def one_box(boxes: Boxes) -> Boxes:
    """All of it on the GPU box; the other machine has the clients."""
    if boxes.gpu.file != "compose.yaml" or not boxes.gpu.inspect("com.docker.compose.service=proxy"):
        stop(boxes)
        boxes.gpu.note("compose.yaml", HF_ENDPOINT=boxes.hub.url)
        boxes.gpu.compose("up", "--detach")
        until(lambda: boxes.gpu.service("demo")["State"]["Status"] == "exited")
    boxes.gpu.until_met()  # not: healthy; after live-restore Docker may never look again
    return boxes


@pytest.fixture
def two_boxes(boxes: Boxes) -> Boxes:
    """Manager, gate and engines on the one, the proxy on the other."""
    gpu, server = boxes.gpu, boxes.server
    if gpu.file != "compose.gpu-box.yaml":
        stop(boxes)
        gpu.note("compose.gpu-box.yaml", SWITCHYARD_GATE_URL=f"http://{gpu.machine.address}:8078")
        gpu.compose("up", "--detach")
        gpu.until_healthy("manager", "gate")
        server.note(
            "compose.proxy-only.yaml",
            SWITCHYARD_MANAGER=f"http://{gpu.machine.address}:8079",
            SWITCHYARD_TOKEN=gpu.token,
        )
        server.compose("up", "--detach")
    gpu.until_healthy("manager", "gate")
    server.until_healthy("proxy")
    return boxes


def stop(boxes: Boxes) -> None:
    """As the docs say it without setup.sh: engines end between the services and their network."""
    gpu = boxes.gpu
    if gpu.inspect("com.docker.compose.service=manager"):
        gpu.compose("stop")
        gpu.compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "switchyard", "manager", "down")
        gpu.compose("down")
