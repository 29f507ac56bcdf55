"""One house for every test of this room: the stack as compose.yaml ships it, and tiny models of vLLM.

Only what it is built on is other than at its user's: the base of our images, and the image of vLLM, which is
one for CPUs. A test that changes the catalog need not change it back.
"""

import ipaddress
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.programs import Program, in_node, missing
from tests.e2e.compose.conftest import FILES, FOLDERS, NOBODY, demo_models, has_compose
from tests.e2e.house.stack import House
from tests.e2e.images import ROOT, remove, succeed
from tests.manager.model_files.hub import Hub
from tests.ports import free_port
from tests.vllm_on_cpu import tiny_model
from tests.vllm_on_cpu.models import CARD, text_model
from tests.vllm_on_cpu.tiny_model import Tiny

A, B, C = "tiny-a", "tiny-b", "tiny-c"
PAINTER, EYES = "demo-image", "demo-vision"
MODEL_MIB, ASLEEP_MIB, RESERVE_MIB = 4000, 1500, 512  # of a card: as declared, as reckoned, as always
FITS_ONE = RESERVE_MIB + MODEL_MIB + 2 * ASLEEP_MIB  # one, and the other two asleep
FITS_TWO = RESERVE_MIB + 2 * MODEL_MIB + ASLEEP_MIB
SUBNET = "{{(index .IPAM.Config 0).Subnet}}"
COMPILED = "switchyard-vllm"  # the volume that all installations of a machine share


def catalog_entries() -> dict[str, Any]:
    of_the_card = {
        "gpus": [CARD],
        "vram_mib": MODEL_MIB,
        "context_length": 16384,
        "commit_after_s": 1,
        "heartbeat_s": 1,
    }
    tiny = {name: text_model(Path("/models", name), **of_the_card) for name in (A, B, C)}
    tiny[C]["sleep"] = "off"  # so it is stopped where the others sleep
    return tiny | {name: demo_models()[name] for name in (PAINTER, EYES)}


@pytest.fixture(scope="session")
def compiled_volume() -> Iterator[None]:
    """Left as it was found."""
    was_there = COMPILED in succeed("docker", "volume", "ls", "--quiet").split()
    yield
    if not was_there:
        succeed("docker", "volume", "rm", "--force", COMPILED)


@pytest.fixture(scope="session")
def hub(base_image: str) -> Iterator[Hub]:
    """The house's Hugging Face Hub, on this machine, where containers of any network reach it."""
    # Of a bridge that it made itself, Docker does not tell the address on this machine before it is restarted.
    subnet = succeed("docker", "network", "inspect", "--format", SUBNET, "bridge").strip()
    address = str(next(ipaddress.ip_network(subnet).hosts()))
    with Hub(address, cdn=address).running() as running:
        yield running


@pytest.fixture(scope="session")
def built_house(
    base_image: str,
    image_server_image: str,
    vllm_image: str,
    compiled_volume: None,
    hub: Hub,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    if not has_compose():
        pytest.skip("Compose is not installed")
    name = f"switchyard-test-{uuid.uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("house") / "switchyard"
    house = House(folder, name, free_port(), free_port(), entries=catalog_entries(), card_mib=FITS_ONE)
    furnish(house, base_image, image_server_image, vllm_image, HF_ENDPOINT=hub.url)
    try:
        house.setup("up", "--detach")
        yield house
    finally:
        house.setup("down")
        left = succeed("docker", "ps", "--all", "--quiet", "--filter", f"network={name}")
        volumes = succeed("docker", "volume", "ls", "--quiet", "--filter", f"name={name}_").split()
        succeed("docker", "volume", "rm", *volumes)
        remove(f"{name}:manager", f"{name}:proxy")
        assert left == ""


def furnish(house: House, base: str, image_server: str, vllm: str, **more: str) -> None:
    """A clone with what git has, its `.env`, its catalog, and weights of its own."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, house.folder / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (*FILES, *(path.name for path in ROOT.glob("compose*.yaml"))):
        shutil.copy(ROOT / file, house.folder / file)
    for name in (A, B, C):
        tiny_model.make(house.folder / "weights" / name, Tiny(name))
    settings = {
        "COMPOSE_PROJECT_NAME": house.name,
        "SWITCHYARD_ENGINE_NETWORK": house.name,
        "SWITCHYARD_MANAGER_IMAGE": f"{house.name}:manager",
        "SWITCHYARD_PROXY_IMAGE": f"{house.name}:proxy",
        "SWITCHYARD_IMAGE_SERVER_IMAGE": image_server,
        "SWITCHYARD_VLLM_IMAGE": vllm,
        "SWITCHYARD_MODELS": house.folder / "weights",
        "SWITCHYARD_BASE": base,
        "SWITCHYARD_BUILD_NETWORK": "host",
        "SWITCHYARD_TORCH": "cpu",
        "SWITCHYARD_PORT": house.port,
        "SWITCHYARD_MANAGER_PORT": house.manager_port,
        **more,
    }
    (house.folder / ".env").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    house.write(wait=False)
    succeed("chown", "--recursive", f"{NOBODY}:{NOBODY}", house.folder)


@pytest.fixture
def house(built_house: House) -> House:
    """With the catalog that every test begins with. What runs in it, runs on."""
    built_house.write()
    return built_house


@pytest.fixture(scope="session")
def openai_node() -> Iterator[Program]:
    if why := missing():
        pytest.skip(why)
    program = in_node("openai-node", "openai_program.mjs")
    yield program
    program.close()
