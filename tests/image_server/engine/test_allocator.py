"""Memory for tensors, as a process of its own has it that draws again and again.

Whether threads share one pool makes no difference to what is drawn here.
"""

import os
import subprocess
import sys

import pytest

PAGES = 28 * 2**20 // 4096
DRAWS = 10
# Two tensors of 28 MiB, as the last step of a picture of 256x256 makes them, in a thread like the worker's.
DRAWING = f"""
import resource, threading
{{settled}}
import torch

def draw():
    for number in range({DRAWS} + 3):
        if number == 3:
            faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
        for _ in range(2):
            torch.zeros(7 * 2**20).add_(1)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)

faults = []
worker = threading.Thread(target=draw)
worker.start()
worker.join()
print(faults[1] - faults[0])
"""
SETTLED = "from switchyard_image_server.allocator import settle_memory; settle_memory()"


def faults(settled: str, **environment: str) -> int:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "THP_"))}
    program = DRAWING.format(settled=settled)
    command = (sys.executable, "-c", program)
    done = subprocess.run(command, env=bare | environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told")
def test_two_tensors_of_a_picture_s_size_are_made_in_memory_that_is_there_from_the_last_one() -> None:
    # None, but for a rare run: of twenty tensors that cost less than one. Without either threshold it is more.
    assert faults(SETTLED) < PAGES


def test_what_the_operator_says_of_memory_is_left_alone() -> None:
    assert faults(SETTLED, MALLOC_MMAP_THRESHOLD_="1048576", THP_MEM_ALLOC_ENABLE="0") > PAGES * DRAWS
