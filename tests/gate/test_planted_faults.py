"""Every rule that the gate keeps, broken once: a gate that lets it through is no gate."""

from dataclasses import dataclass

import pytest

from tests.gate.conftest import WITHIN_S, Tree

pytestmark = pytest.mark.timeout(WITHIN_S + 60)


@dataclass(frozen=True, slots=True)
class Fault:
    step: str
    file: str
    text: str
    said: str
    and_said: str = ""


MANAGER = "manager/src/switchyard_manager"
PROXY = "proxy/src/switchyard_proxy"

FAULTS = {
    "an import from manager to proxy": Fault(
        "imports",
        f"{MANAGER}/errors.py",
        "import switchyard_proxy.errors\n",
        "Services share contracts and nothing else BROKEN",
    ),
    "torch in the proxy": Fault(
        "imports",
        f"{PROXY}/errors.py",
        "import torch\n",
        "The control plane never imports the inference stack BROKEN",
    ),
    "torch in the manager, inside a function": Fault(
        "imports",
        f"{MANAGER}/errors.py",
        "\ndef planted() -> None:\n    import torch\n",
        "The control plane never imports the inference stack BROKEN",
    ),
    "HTTP in the contracts": Fault(
        "imports",
        "contracts/src/switchyard_contracts/errors.py",
        "import httpx\n",
        "Contracts depend on pydantic only BROKEN",
    ),
    "a lower layer of the manager that imports a higher one": Fault(
        "imports", f"{MANAGER}/lifecycle.py", "import switchyard_manager.app\n", "imports point one way"
    ),
    "a clock in the scheduler": Fault(
        "imports", f"{MANAGER}/scheduler/plan.py", "import time\n", "Deciding is pure"
    ),
    "a task without an owner": Fault(
        "lint",
        f"{PROXY}/planted.py",
        '"""Planted."""\n\nimport asyncio\n\n\nasync def planted() -> None:\n'
        "    await asyncio.create_task(asyncio.sleep(0))\n",
        "tasks live in a TaskGroup",
    ),
    "a sleep in async code": Fault(
        "lint",
        f"{PROXY}/planted.py",
        '"""Planted."""\n\nimport time\n\n\nasync def planted() -> None:\n    time.sleep(1)\n',
        "wait on an event with a deadline",
    ),
    "a file opened in async code": Fault(
        "lint",
        f"{PROXY}/planted.py",
        '"""Planted."""\n\n\nasync def planted() -> str:\n    with open("x") as x:\n        return x.read()\n',
        "ASYNC230",
    ),
    "a wrong type, and a match that forgot a case": Fault(
        "types",
        f"{MANAGER}/planted.py",
        '"""Planted."""\n\nfrom switchyard_manager.lifecycle import Phase\n\nport: int = "8080"\n\n\n'
        "def planted(phase: Phase) -> None:\n    match phase:\n        case Phase.STOPPED:\n            pass\n",
        "Incompatible types in assignment",
        "[exhaustive-match]",
    ),
    "an unformatted line": Fault("format", f"{PROXY}/planted.py", "x  =  1\n", "would be reformatted"),
    "a page that drifted from the code": Fault("docs", "models.schema.json", "{}\n", "models.schema.json"),
    "an unquoted path in a script": Fault("shell", "setup/say.sh", "\nplanted() { rm -rf $1; }\n", "SC2086"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_planted_fault_shuts_the_gate(tree: Tree, fault: Fault) -> None:
    tree.add(fault.file, fault.text)

    verdict = tree.gate(fault.step)

    assert not verdict.is_open
    assert fault.said in verdict.said
    assert fault.and_said in verdict.said


@pytest.mark.parametrize("step", sorted({fault.step for fault in FAULTS.values()}))
def test_without_a_fault_the_gate_is_open(tree: Tree, step: str) -> None:
    verdict = tree.gate(step)

    assert verdict.is_open, verdict.said
