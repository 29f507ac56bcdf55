"""A real allocator that really refuses: the process lives, says so, and goes on with what fits."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import json, re, resource, sys, time
from switchyard_image_server.engine import load_model
from switchyard_image_server.errors import ServerError, as_server_error
from switchyard_image_server.images.order import Given, settle_order
from switchyard_image_server.images.request import ImageRequest
from switchyard_image_server.settings import Device, ModelSettings

class Ticket:
    cancelled = False
    def __init__(self): self.heard = []
    def check(self): pass
    def send(self, event): self.heard.append(event)

model = load_model(ModelSettings(sys.argv[1], device=Device.CPU))

def draw(size):
    order = settle_order(
        ImageRequest.model_validate({"prompt": "a cat", "size": size, "steps": 2, "seed": 1}),
        Given(), model.facts, lambda: 1,
    )
    ticket = Ticket()
    try:
        model.draw(order, ticket)
    except Exception as error:
        return as_server_error(error).code
    return ticket.heard[-1].note or "drawn"

said = [draw("64x64")]
taken = int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (taken + int(sys.argv[2]) * 2**20,) * 2)
said += [draw("1024x1024"), draw("64x64"), list(model.memory.stepped_down)]
print(json.dumps(said))
"""


def with_room_for(mib: int, folder: Path) -> list[Any]:
    ran = subprocess.run(
        (sys.executable, "-c", SCRIPT, str(folder), str(mib)),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    said: list[Any] = json.loads(ran.stdout.splitlines()[-1])
    return said


@pytest.mark.timeout(180)  # it starts a process of its own
def test_where_the_system_gives_no_more_a_large_picture_fails_and_a_small_one_is_drawn(demo: Path) -> None:
    first, large, small, stepped = with_room_for(16, demo / "image")

    assert first == "drawn"
    assert large == "out_of_memory"
    assert small == "drawn"
    assert len(stepped) == 1
    assert "the VAE works in tiles" in stepped[0]
