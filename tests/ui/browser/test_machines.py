"""Machines: two managers side by side, their memory and queues, what a key may do, a proxy that is away.

The second manager has a card that is only declared: it reckons with it as with any other, and nothing of it can
be measured. What a driver would tell beside that is pretended, in one test.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from switchyard_manager.runtimes import leftovers
from tests.ports import free_port
from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, NewVisit, keep
from tests.ui.browser.stack import SCRIPTS, OwnProxy, Stack

ENDS_WITHIN_S = 20
CARD = {"uuid": "GPU-declared", "name": "NVIDIA GeForce RTX 4090", "vram_mib": 24_000, "devices": []}
ENTRY = {"type": "text", "engine": "image-server", "path": ".", "sleep": "off"}
SECOND = {
    "gpus": [CARD | {"reserve_mib": 1_000}],
    # Nobody's turn is held back.
    "settings": {"min_resident_s": 0, "max_wait_s": 1},
    "models": {
        "writer": ENTRY | {"gpus": 1, "vram_mib": 14_000},
        "painter": ENTRY | {"gpus": 1, "vram_mib": 12_000},
        "napper": ENTRY | {"gpus": 1, "vram_mib": 500, "sleep": "auto"},
        "echo": ENTRY | {"gpus": 0},
    },
}


@dataclass(frozen=True)
class Machines:
    """A proxy of two managers that asks for keys: the stack's own manager, and one with a card."""

    proxy: OwnProxy
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def command(self, model: str, verb: str) -> None:
        url = f"{self.proxy.url}/api/managers/1/models/{model}/{verb}"
        httpx.post(url, headers=self.headers, timeout=30).raise_for_status()


@pytest.fixture(scope="module")
def machines(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    folder, port = tmp_path_factory.mktemp("second"), free_port()
    (folder / "models.json").write_text(json.dumps(SECOND))
    said = {
        "SWITCHYARD_STATE": str(folder / "state"),
        "SWITCHYARD_CATALOG": str(folder / "models.json"),
        "SWITCHYARD_MANAGER_PORT": str(port),
        "SWITCHYARD_RUNTIME": "process",
        "SWITCHYARD_IMAGE_SERVER": stack.yard.settings["SWITCHYARD_IMAGE_SERVER"],
        "SWITCHYARD_TOKEN_FILE": str(stack.yard.folder / "state" / "token"),
    }
    bare = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHYARD_")}
    with (folder / "manager.log").open("wb") as log:
        manager = subprocess.Popen([SCRIPTS / "switchyard-manager"], env=bare | said, stdout=log, stderr=log)
    try:
        proxy = stack.new_proxy(
            auth="on", manager=f"http://127.0.0.1:{stack.yard.manager_port},http://127.0.0.1:{port}"
        ).start()
        yield Machines(proxy, proxy.new_key("owner", "admin"))
    finally:
        manager.terminate()
        manager.wait(ENDS_WITHIN_S)
        installation = (folder / "state" / "installation").read_text().strip()
        leftovers.end(leftovers.ENGINE_MARK, installation, ENDS_WITHIN_S)


def row(page: Page, model: str, site: int = 1) -> Locator:
    return page.locator(f'tr[data-model="{site}/{model}"]')


def phase(page: Page, model: str, said: str) -> None:
    expect(row(page, model).locator(".models-cell-phase")).to_contain_text(said, timeout=ANSWERS_WITHIN_MS)


def test_each_machine_has_its_own_models_and_they_may_share_a_name(
    new_visit: NewVisit, machines: Machines
) -> None:
    page = new_visit(machines.proxy.url).open("models", width=1440, key=machines.key)
    groups = page.locator(".models-group")
    expect(groups).to_have_count(2)
    expect(groups.nth(0)).to_contain_text("models here run on the processor")
    expect(groups.nth(1)).to_contain_text("RTX 4090")
    expect(page.get_by_placeholder("1 GPU: RTX 4090, 23.4 GiB")).to_be_visible()
    expect(row(page, "echo", 0)).to_be_visible()

    row(page, "echo").get_by_role("link", name="echo").click()

    expect(page).to_have_url(re.compile(r"#/models/echo\?site=1$"))
    expect(row(page, "echo")).to_have_attribute("aria-current", "true")
    expect(row(page, "echo", 0)).not_to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="load echo").last.click()
    phase(page, "echo", "ready")


def test_a_card_says_who_holds_it_who_waits_and_what_one_more_model_would_change(
    new_visit: NewVisit, machines: Machines
) -> None:
    visit = new_visit(machines.proxy.url)
    machines.command("writer", "load")
    page = visit.open("models", width=1440, key=machines.key)
    phase(page, "writer", "ready")
    bar = page.get_by_role("meter", name="Memory of NVIDIA GeForce RTX 4090")

    expect(bar).to_have_attribute(
        "aria-valuetext",
        re.compile(r"13\.7 GiB of 23\.4 GiB claimed; writer 13\.7 GiB; free 8\.8 GiB; kept free 1,?000 MiB"),
    )
    expect(row(page, "painter").get_by_role("button", name="load painter")).to_be_visible()  # rows grow by it
    row(page, "painter").hover()
    expect(page.get_by_text("painter would take 11.7 GiB here, in place of writer")).to_be_visible()
    keep(page, "models-card")

    visit.go("models/painter?site=1")
    expect(page.get_by_text("If it were loaded now: writer would be moved out.")).to_be_visible()
    talk = {
        "model": "writer",
        "stream": True,
        "messages": [{"role": "user", "content": "[pace 50] [count 400]"}],
    }
    url = f"{machines.proxy.url}/v1/chat/completions"
    with httpx.stream("POST", url, json=talk, headers=machines.headers, timeout=60) as reply:
        pieces = reply.iter_bytes()  # whose end would be the reply's
        next(pieces)
        expect(row(page, "writer")).to_contain_text("1 running")
        page.get_by_role("button", name="load painter").last.click()
        queue = page.get_by_role("region", name="queue")
        expect(queue).to_contain_text("painter")
        expect(queue).to_contain_text("writer")
        keep(page, "models-queue")
    phase(page, "painter", "ready")
    phase(page, "writer", "stopped")
    expect(queue).to_have_count(0)


def test_what_one_more_model_would_change_is_told_as_long_as_it_is_pointed_at(
    new_visit: NewVisit, machines: Machines
) -> None:
    machines.command("writer", "load")
    visit = new_visit(machines.proxy.url)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.page.route("**/api/ui", hold)
    page = visit.open("models", width=1440, key=machines.key)
    phase(page, "writer", "ready")
    ghost = page.locator(".models-ghost-text")

    row(page, "painter").get_by_role("link", name="painter").focus()
    page.wait_for_timeout(1_000)
    expect(ghost).to_have_count(0)

    # What the key may do is known later than the models are.
    for route in held:
        route.continue_()
    expect(ghost).to_have_text("painter would take 11.7 GiB here, in place of writer")

    machines.command("writer", "unload")
    expect(ghost).to_have_text("painter would take 11.7 GiB here")

    machines.command("painter", "load")
    phase(page, "painter", "ready")
    expect(ghost).to_have_count(0)


def test_a_model_that_can_sleep_is_put_to_sleep_and_woken_with_keys(
    new_visit: NewVisit, machines: Machines
) -> None:
    machines.command("napper", "load")
    machines.command("echo", "load")
    page = new_visit(machines.proxy.url).open("models", width=1440, key=machines.key)
    phase(page, "napper", "ready")
    phase(page, "echo", "ready")

    row(page, "napper").get_by_role("link", name="napper").focus()
    page.keyboard.press("z")
    phase(page, "napper", "asleep")
    page.keyboard.press("l")
    phase(page, "napper", "ready")

    # One that would be stopped instead is not offered to sleep.
    expect(row(page, "echo").get_by_role("button", name="unload echo")).to_be_visible()


def test_a_key_that_may_only_use_sees_models_and_no_buttons(new_visit: NewVisit, machines: Machines) -> None:
    visit = new_visit(machines.proxy.url)
    page = visit.open("models/echo", width=1440, key=machines.proxy.new_key("guest", "use"))

    expect(page.get_by_text("This key may look on, and not load or unload.")).to_be_visible()
    expect(row(page, "echo", 0).get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("button", name="add a model")).to_have_count(0)
    expect(page.get_by_role("tab", name="log")).to_have_count(0)


def test_when_the_proxy_is_away_the_age_of_what_is_shown_is_told(
    new_visit: NewVisit, machines: Machines
) -> None:
    visit = new_visit(machines.proxy.url)
    visit.tolerate("Failed to load resource", "ERR_")
    page = visit.open("models", width=1440, key=machines.key)
    expect(row(page, "echo", 0)).to_be_visible()

    machines.proxy.kill()

    away = page.get_by_text(re.compile("The proxy does not answer. What is shown was heard"))
    expect(away).to_be_visible()
    expect(row(page, "echo", 0)).to_be_visible()
    machines.proxy.start()
    expect(away).to_have_count(0)


# What only a driver tells

GPU = {
    "uuid": "GPU-a",
    "name": "NVIDIA GeForce RTX 4090",
    "total_mib": 24_000,
    "reserve_mib": 500,
    "claimed_mib": 8_000,
    "used_mib": 7_000,
    "free_mib": 14_500,
    "models": [{"model": "chat", "claim_mib": 8_000}],
    "processes": [
        {"pid": 1, "name": "python", "used_mib": 6_000, "model": "chat"},
        {"pid": 2, "name": "Xorg", "used_mib": 1_000, "model": None},
    ],
    "utilisation_pct": 40,
    "temperature_c": 60,
    "power_w": 200.0,
}
CHAT = {
    "name": "chat",
    "site": 0,
    "aliases": [],
    "type": "text",
    "engine": "vllm",
    "capabilities": [],
    "phase": "ready",
    "in_flight": 0,
    "waiting": 0,
    "claim_mib": 8_000,
    "pinned": False,
    "gpus": [],
    "serving": {},
    "failure": None,
    "files": None,
}


def machine(**more: Any) -> dict[str, Any]:
    said = {"site": 0, "name": "pc", "version": "1", "runtime": "docker", "connected": True, "at": time.time()}
    return said | {"ram": None, "trouble": [], "queue": [], "gpus": [GPU | more]}


def event(name: str, **data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def test_a_bar_tells_engines_from_strangers_and_what_is_measured_from_what_is_claimed(
    new_visit: NewVisit,
) -> None:
    visit = new_visit()
    body = event(
        "state", models=[CHAT], machines=[machine()], sites=[{"site": 0, "name": "pc", "connected": True}]
    )
    body += event("machines", machines=[machine(used_mib=9_000)])
    visit.page.add_init_script("delete globalThis.SharedWorker")  # whose requests cannot be answered here
    visit.page.route(
        "**/api/live",
        lambda route: route.fulfill(status=200, body=body, headers={"content-type": "text/event-stream"}),
    )
    page = visit.open("models", width=1440)

    bar = page.get_by_role("meter", name="Memory of NVIDIA GeForce RTX 4090")

    expect(bar).to_have_attribute(
        "aria-valuetext",
        re.compile(
            r"8\.8 GiB of 23\.4 GiB used; chat 7\.8 GiB; "
            r"Xorg, no engine of ours, 1,?000 MiB; others 2 GiB; free"
        ),
    )
    expect(page.locator(".models-legend").first).to_contain_text("chat7.8 GiB (5.9 GiB measured)")
    expect(page.locator(".models-gpu").first).to_contain_text("40 % · 60 °C · 200 W")
    expect(page.locator(".models-sparkline polyline")).to_be_attached()
    keep(page, "models-gpu")
