"""A GPU box and a server, each with the containers of its own compose file, and a cable between them."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from switchyard_contracts.gate import Gate
from tests.e2e.house.hearing import judge, text
from tests.e2e.own_engine.box import GATE, MANAGER, PROXY, Client
from tests.e2e.own_engine.conftest import PAINTER, SPEAKER, Boxes
from tests.e2e.proxy.hearing import Verdict
from tests.e2e.two_machines.machines import command
from tests.e2e.two_machines.test_lan import open_ports
from tests.vllm_on_cpu.script import replies

pytestmark = pytest.mark.timeout(400)

SAYS = replies(SPEAKER)["text"]
ROUNDS = 300
TOKENS = ROUNDS * (len(SAYS.split()) + 1)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def client(two_boxes: Boxes) -> Client:
    """Somebody who knows the server alone."""
    return Client(two_boxes.server.machine, two_boxes.server.machine.address)


def test_a_chat_and_a_picture_come_through_the_gate(two_boxes: Boxes, client: Client) -> None:
    chat = client.streaming(SPEAKER, 100).whole()
    picture = client.asks(PAINTER, "/v1/images/generations", prompt="a fox", size="64x64")

    assert text(chat) == SAYS
    drawn = json.loads(picture.body[0])["data"][0]["b64_json"]
    assert base64.b64decode(drawn).startswith(PNG)
    assert two_boxes.server.docker("ps", "--format", "{{.Names}}") == "box_proxy_1"


def test_a_manager_that_stops_in_the_middle_of_a_stream_leaves_it_whole(
    two_boxes: Boxes, client: Client
) -> None:
    gpu = two_boxes.gpu
    client.asks(SPEAKER)
    stream = client.streaming(SPEAKER, TOKENS, ignore_eos=True).speaks()

    gpu.docker("stop", "--time", "30", gpu.service("manager")["Id"])
    meanwhile = client.streaming(SPEAKER, 100).whole()
    gpu.docker("start", gpu.service("manager")["Id"])

    assert judge(stream.whole(), SPEAKER, ROUNDS) is Verdict.WHOLE
    assert text(meanwhile) == SAYS
    gpu.until_healthy("manager")


def test_the_lan_finds_manager_and_gate_on_the_gpu_box_and_the_proxy_on_the_server(
    two_boxes: Boxes, client: Client
) -> None:
    client.asks(SPEAKER)
    gpu, server = two_boxes.gpu.machine, two_boxes.server.machine

    assert open_ports(gpu, seen_from=server) == {MANAGER, GATE}
    assert open_ports(server, seen_from=gpu) == {PROXY, two_boxes.hub.port}


def test_who_knows_the_way_to_the_engines_network_still_reaches_no_engine(
    two_boxes: Boxes, client: Client
) -> None:
    client.asks(SPEAKER)
    gpu, server = two_boxes.gpu, two_boxes.server
    (engine,) = gpu.engines(SPEAKER)
    (joined,) = engine["NetworkSettings"]["Networks"].values()

    with routed(two_boxes, joined["IPAddress"]), pytest.raises(TimeoutError):
        server.machine.connect(joined["IPAddress"], 8000, within_s=2)
    assert gpu.machine.get(joined["IPAddress"], 8000, "/health")[0] == 200  # it is there


@contextmanager
def routed(boxes: Boxes, address: str) -> Iterator[None]:
    route = (*boxes.server.machine.enter, "ip", "route")
    command(*route, "add", address, "via", boxes.gpu.machine.address)
    yield
    command(*route, "delete", address)


@pytest.mark.parametrize("with_key", [False, True], ids=["without a key", "with the right key"])
def test_through_the_gate_nobody_puts_an_engine_to_sleep(
    two_boxes: Boxes, client: Client, with_key: bool
) -> None:
    client.asks(SPEAKER)
    gpu, server = two_boxes.gpu, two_boxes.server
    (engine,) = gpu.engines(SPEAKER)
    (joined,) = engine["NetworkSettings"]["Networks"].values()
    word, where = Gate("", gpu.token), f"http://{joined['IPAddress']}:8000"
    instance = engine["Config"]["Labels"]["switchyard.instance"]
    headers = word.headers(instance, where) if with_key else {}
    path = word.endpoint(instance, where)

    status, said = server.machine.ask("POST", gpu.machine.address, GATE, f"{path}/sleep?level=1", **headers)
    models = server.machine.get(gpu.machine.address, GATE, f"{path}/v1/models", **headers)[0]

    refused = (404, "unknown_url") if with_key else (403, "engine_key_refused")
    assert (status, json.loads(said)["error"]["code"]) == refused
    assert models in ({200, 401} if with_key else {403})  # the key of the engine itself is another
