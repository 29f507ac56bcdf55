"""One box in containers: what answers, what each container may do, what lasts. It takes minutes."""

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.compose.conftest import NOBODY, Clone, demo_models, table
from tests.e2e.compose.hardening import HUB, SOCKET, WEIGHTS, told
from tests.e2e.images import ROOT, succeed

pytestmark = pytest.mark.timeout(900)

QUESTION = [{"role": "user", "content": "What can you do?"}]
PROMISED = table((ROOT / "docs/compose.md").read_text(), "hardening")
OWNER = f"{NOBODY}:{NOBODY}"


def until(true: Callable[[], bool], within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"waited {within_s:g} s in vain"
        threading.Event().wait(0.1)


def asked(up: Clone, key: str, model: str = "demo-chat") -> httpx.Response:
    return httpx.post(
        f"{up.url}/v1/chat/completions",
        json={"model": model, "messages": QUESTION},
        headers={"Authorization": f"Bearer {key}"},
        timeout=120,
    )


def listed(up: Clone, key: str) -> set[str]:
    reply = httpx.get(f"{up.url}/v1/models", headers={"Authorization": f"Bearer {key}"}, timeout=10)
    return {model["id"] for model in reply.json()["data"]}


def test_up_says_where_it_answers_and_notes_what_the_machine_needs(clone: Clone, said: str) -> None:
    noted = (clone.folder / ".env").read_text()

    assert f"http://localhost:{clone.port}/v1" in said
    assert "$(./setup.sh keys show-first)" in said
    assert "demo-chat, demo-vision, demo-image" in said
    assert re.search(r"^SWITCHYARD_DOCKER_GID=\d+$", noted, re.MULTILINE)
    assert f"SWITCHYARD_UID={NOBODY}\nSWITCHYARD_GID={NOBODY}\n" in noted


@pytest.mark.parametrize("service", ["manager", "proxy", "demo"])
def test_a_container_may_do_what_the_docs_say_and_no_more(up: Clone, service: str) -> None:
    promised = dict(PROMISED[service])
    for row in ("writable mounts", "read-only mounts"):
        promised[row] = ", ".join(sorted(promised[row].split(", ")))

    assert told(up.inspect(service), up.name, OWNER) == promised


def test_who_has_no_key_gets_nothing(up: Clone) -> None:
    assert asked(up, "none").status_code == 401


def test_a_demo_model_answers_from_a_container_that_only_we_can_reach(up: Clone, key: str) -> None:
    reply = asked(up, key)
    engine = up.engine("demo-chat")

    assert "demo" in reply.json()["choices"][0]["message"]["content"].lower(), reply.text
    seen = told(engine, up.name, OWNER)
    assert_mounts_only_weights(engine)
    of_the_image = ("user", "read-only mounts")
    assert seen | dict.fromkeys(of_the_image, "") == PROMISED["engines"] | dict.fromkeys(of_the_image, "")


def assert_mounts_only_weights(engine: dict[str, Any]) -> None:
    writable = [mount for mount in engine["Mounts"] if mount["RW"]]
    read_only = [mount["Destination"] for mount in engine["Mounts"] if not mount["RW"]]
    assert writable == []
    assert [place for place in read_only if not place.startswith((HUB, WEIGHTS))] == []
    assert any(place.startswith(WEIGHTS) for place in read_only)


def test_status_and_the_other_commands_are_those_of_the_manager_in_its_container(up: Clone) -> None:
    status = json.loads(up.setup("status", "--json"))

    assert {model["name"] for model in status["models"]} == set(demo_models())
    assert "is valid" in up.setup("validate")
    assert "ok    container of the manager: healthy" in up.setup("doctor")


def test_a_key_that_was_made_opens_and_a_revoked_one_no_more(up: Clone) -> None:
    key = up.setup("keys", "add", "laptop").strip()
    until(lambda: asked(up, key).status_code == 200)

    up.setup("keys", "revoke", "laptop")

    until(lambda: asked(up, key).status_code == 401)


def test_an_edit_of_models_json_on_the_machine_takes_effect(up: Clone, key: str) -> None:
    up.write_catalog({"demo-chat": demo_models()["demo-chat"]})
    until(lambda: listed(up, key) == {"demo-chat"})

    up.write_catalog(demo_models())

    until(lambda: listed(up, key) == set(demo_models()))


def test_a_command_edits_models_json_on_the_machine(up: Clone, key: str) -> None:
    before = up.models()

    up.setup("remove", "demo-vision", "--yes")
    after = up.models()
    until(lambda: "demo-vision" not in listed(up, key))
    up.write_catalog(before)

    assert set(before) - set(after) == {"demo-vision"}
    assert (up.folder / "models.json").stat().st_uid == NOBODY
    until(lambda: listed(up, key) == set(before))


def test_a_manager_that_stops_takes_no_engine_along_and_the_next_one_knows_it(up: Clone, key: str) -> None:
    asked(up, key).raise_for_status()
    manager, engine = up.inspect("manager")["Id"], up.engine("demo-chat")["Id"]

    succeed("docker", "stop", "--time", "30", manager)
    code = up.inspect("manager")["State"]["ExitCode"]
    meanwhile = asked(up, key)
    succeed("docker", "start", manager)
    until(lambda: up.inspect("manager")["State"]["Health"]["Status"] == "healthy")

    assert code in {0, 128 + signal.SIGTERM}  # it ended by itself, and was not killed
    assert meanwhile.status_code == 200
    until(lambda: '"ready"' in up.setup("status", "--json"))
    assert up.engine("demo-chat")["Id"] == engine


def test_a_proxy_that_stops_says_so_and_comes_back_with_its_keys(up: Clone, key: str) -> None:
    proxy = up.inspect("proxy")["Id"]
    began = time.monotonic()

    succeed("docker", "stop", "--time", "30", proxy)
    took_s = time.monotonic() - began
    code = up.inspect("proxy")["State"]["ExitCode"]
    succeed("docker", "start", proxy)
    until(lambda: up.inspect("proxy")["State"]["Health"]["Status"] == "healthy")

    assert code == 0
    assert took_s < 15
    assert asked(up, key).status_code == 200


def test_down_ends_all_of_it_and_up_finds_what_lasts(up: Clone, key: str) -> None:
    asked(up, key).raise_for_status()
    up.setup("pin", "demo-chat")

    said = up.setup("down")
    left = succeed("docker", "ps", "--all", "--quiet", "--filter", f"network={up.name}")
    networks = succeed("docker", "network", "ls", "--quiet", "--filter", f"name={up.name}")
    up.setup("up", "--detach")

    assert "every engine have ended" in said
    assert (left, networks) == ("", "")
    assert up.setup("keys", "show-first").strip() == key
    status = json.loads(up.setup("status", "--json"))
    assert [model["name"] for model in status["models"] if model["pinned"]] == ["demo-chat"]
    assert asked(up, key).status_code == 200


def test_images_say_what_they_are(up: Clone) -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None

    for service in ("manager", "proxy"):
        labels = up.inspect(service)["Config"]["Labels"]
        assert labels["org.opencontainers.image.title"] == f"Switchyard {service}"
        assert labels["org.opencontainers.image.version"] == version[1]


def test_the_proxys_image_holds_no_manager(up: Clone) -> None:
    look = ("docker", "exec", up.inspect("proxy")["Id"], "python", "-c", "import switchyard_manager")

    done = subprocess.run(look, capture_output=True, text=True, timeout=60, check=False)

    assert "No module named 'switchyard_manager'" in done.stderr


def test_a_manager_that_may_not_open_the_socket_says_which_group_may(up: Clone) -> None:
    image, socket = up.inspect("manager")["Config"]["Image"], Path(SOCKET)
    run = ("docker", "run", "--rm", "--user", OWNER, "--volume", f"{socket}:{socket}")

    done = subprocess.run(
        (*run, "--entrypoint", "switchyard", image, "doctor"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert f"this user may not open {socket}, which group {socket.stat().st_gid} may" in done.stdout
    assert "SWITCHYARD_DOCKER_GID" in done.stdout
