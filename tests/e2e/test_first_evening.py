"""What a stranger does in the first hour: ask, paint, follow the README, add a model, break something."""

import base64
import io
import json
import re
import subprocess
import sys

import httpx
import openai
import pytest
from PIL import Image

from tests.e2e.conftest import ROOT, Yard, demo_catalog

pytestmark = pytest.mark.timeout(300)

QUESTION = [{"role": "user", "content": "What can you do?"}]
README = (ROOT / "README.md").read_text()
SHIPPED = list(json.loads((ROOT / "models.json").read_text())["models"])


def test_every_model_is_listed_before_any_is_loaded(yard: Yard) -> None:
    assert [name for name in yard.phases() if ":" not in name] == SHIPPED
    assert SHIPPED[:3] == ["demo-chat", "demo-vision", "demo-image"]
    assert set(yard.phases().values()) == {"unloaded"}


def test_up_names_the_demos_and_counts_the_rest(yard: Yard) -> None:
    listed = re.search(r"^  models +(.*) and (\d+) more", yard.said(), re.MULTILINE)

    assert listed is not None, yard.said()
    assert listed[1].startswith("demo-chat, demo-vision, demo-image, ")
    assert listed[1].count(",") + 1 + int(listed[2]) == len(SHIPPED)


def test_the_demo_chat_answers_with_what_this_is(yard: Yard) -> None:
    reply = yard.client().chat.completions.create(model="demo-chat", messages=QUESTION)

    said = reply.choices[0].message.content
    assert said is not None
    assert "demo" in said.lower()
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.completion_tokens > 0


def test_a_stream_says_the_same_in_pieces(yard: Yard) -> None:
    client = yard.client()
    whole = client.chat.completions.create(model="demo-chat", messages=QUESTION)

    pieces = [
        chunk.choices[0].delta.content or ""
        for chunk in client.chat.completions.create(model="demo-chat", messages=QUESTION, stream=True)
        if chunk.choices
    ]

    assert "".join(pieces) == whole.choices[0].message.content
    assert len([piece for piece in pieces if piece]) > 5


def test_an_alias_reaches_its_model(yard: Yard) -> None:
    reply = yard.client().chat.completions.create(model="demo", messages=QUESTION)

    assert reply.choices[0].message.content


def test_the_demo_image_is_a_png_of_the_size_asked_for(yard: Yard) -> None:
    reply = yard.client().images.generate(model="demo-image", prompt="a lighthouse", size="128x64")  # type: ignore[arg-type]

    assert reply.data is not None
    picture = Image.open(io.BytesIO(base64.b64decode(reply.data[0].b64_json or "")))
    assert (picture.format, picture.size) == ("PNG", (128, 64))


def test_the_demo_vision_takes_a_picture(yard: Yard) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "navy").save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]

    reply = yard.client().chat.completions.create(
        model="demo-vision",
        messages=[{"role": "user", "content": parts}],  # type: ignore[list-item, misc]
    )

    assert "image" in (reply.choices[0].message.content or "")


def test_a_model_of_the_wrong_type_is_refused_with_those_that_would_do(yard: Yard) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        yard.client().chat.completions.create(model="demo-image", messages=QUESTION)

    assert caught.value.code == "unsupported_endpoint"
    assert "demo-chat" in caught.value.message


def test_an_unknown_model_is_refused_with_where_to_look(yard: Yard) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        yard.client().chat.completions.create(model="gpt-4", messages=QUESTION)

    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("command", re.findall(r"^curl (?:.*\\\n)*.*$", README, re.MULTILINE))
def test_the_readmes_curl_lines_work_as_they_stand(yard: Yard, command: str, tmp_path: object) -> None:
    here = command.replace("localhost:8080", f"127.0.0.1:{yard.port}")

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here], capture_output=True, check=True, cwd=str(tmp_path)
    )

    if "picture.png" in command:
        with Image.open(f"{tmp_path}/picture.png") as picture:
            assert picture.size == (256, 256)
    else:
        assert b"data: [DONE]" in done.stdout


def test_the_readmes_python_works_as_it_stands(yard: Yard) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

    done = subprocess.run(
        [sys.executable, "-c", code.replace("localhost:8080", f"127.0.0.1:{yard.port}")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "demo-chat" in done.stdout


def test_status_shows_what_each_model_does(yard: Yard) -> None:
    done = yard.setup("status")

    assert done.returncode == 0, done.stderr
    assert re.search(r"demo-chat\s+text\s+ready", done.stdout)


def test_a_second_up_says_that_it_is_up_already(yard: Yard) -> None:
    done = yard.setup("up")

    assert done.returncode == 0
    assert f"Switchyard is up already at http://localhost:{yard.port}" in done.stdout


def test_a_model_added_to_the_file_is_served_without_a_restart(yard: Yard) -> None:
    catalog = demo_catalog()
    models = catalog["models"]
    assert isinstance(models, dict)
    models["added"] = {**models["demo-chat"], "aliases": [], "idle_unload_s": 1}

    yard.write_catalog(catalog)
    yard.until(lambda: "added" in yard.phases(), 10)

    reply = yard.client().chat.completions.create(model="added", messages=QUESTION)
    assert reply.choices[0].message.content
    # It asked to be unloaded after a second without requests.
    yard.until(lambda: yard.phases()["added"] == "unloaded", 20)
    yard.write_catalog(demo_catalog())
    yard.until(lambda: "added" not in yard.phases(), 10)


def test_a_broken_file_changes_nothing_and_its_faults_are_told(yard: Yard) -> None:
    yard.write_catalog({"models": {"demo-chat": {"type": "texd"}}})

    yard.until(lambda: "the models stay as they were" in yard.said(), 10)
    assert set(SHIPPED) <= set(yard.phases())
    assert "models.demo-chat.type: cannot" in yard.said()
    yard.write_catalog(demo_catalog())


def test_an_engine_killed_in_the_middle_of_a_stream_is_an_error_and_the_next_request_works(yard: Yard) -> None:
    client = yard.client()
    client.chat.completions.create(model="demo-chat", messages=QUESTION)
    endless = client.chat.completions.create(
        model="demo-chat",
        messages=[{"role": "user", "content": "[script:count]"}],
        stream=True,
        max_tokens=20_000,
        extra_body={"ignore_eos": True},
    )
    next(iter(endless))

    for engine in yard.engines():
        if "demo-chat" in engine.cmdline():
            engine.kill()

    with pytest.raises(openai.APIError):
        for _ in endless:
            pass
    assert client.chat.completions.create(model="demo-chat", messages=QUESTION).choices[0].message.content


def test_a_model_that_cannot_start_says_why_and_what_to_do(yard: Yard) -> None:
    catalog = demo_catalog()
    models = catalog["models"]
    assert isinstance(models, dict)
    models["broken"] = {**models["demo-chat"], "aliases": [], "path": "state:demo/nowhere"}
    models["boxed"] = {"container": "vllm-llama3-8b", "port": 8001}
    yard.write_catalog(catalog)
    yard.until(lambda: "broken" in yard.phases(), 10)

    said = {}
    for name in ("broken", "boxed"):
        with pytest.raises(openai.InternalServerError) as caught:
            yard.client().chat.completions.create(model=name, messages=QUESTION)
        assert (caught.value.status_code, caught.value.code) == (503, "model_load_failed")
        assert caught.value.response.headers["x-should-retry"] == "false"
        said[name] = caught.value.message

    assert "there is no" in said["broken"]
    assert "check `path` in models.json" in said["broken"]
    # Where Docker answers, it lacks the container; elsewhere, it is Docker itself that is missing.
    assert re.search("no container named vllm-llama3-8b|Docker Engine|no docker runtime", said["boxed"])
    yard.write_catalog(demo_catalog())


def test_the_proxy_answers_health_and_unknown_paths_in_json(yard: Yard) -> None:
    assert httpx.get(f"{yard.url}/health").json()["status"] == "ok"
    lost = httpx.get(f"{yard.url}/v1/nonsense")
    assert (lost.status_code, lost.json()["error"]["code"]) == (404, "unknown_url")
