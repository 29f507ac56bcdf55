"""What a model's files tell before it is added, from a Hub of the test's own."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.catalog import ModelType
from switchyard_manager.cli.weights_facts import WeightsFacts, of_folder, of_repo
from switchyard_manager.settings import read_settings

TEXT = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 128, "max_position_embeddings": 1024}
PIPELINE = {
    "_class_name": "QwenImagePipeline",
    "transformer": ["diffusers", "X"],
    "feature_extractor": [None, None],
}
HUB: dict[str, tuple[int, Any]] = {}
ASKED: list[tuple[str, str | None]] = []


class Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        ASKED.append((path, self.headers.get("authorization")))
        status, said = HUB.get(path, (404, {"error": "Repository not found"}))
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    HUB.clear()
    ASKED.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


def holds(repo: str, config: Any, name: str = "config.json", **files: int) -> None:
    listed = [{"rfilename": file, "size": size} for file, size in {name: 10, **files}.items()]
    HUB[f"/api/models/{repo}/revision/main"] = (200, {"siblings": listed})
    HUB[f"/{repo}/resolve/main/{name}"] = (200, config)


def ask(repo: str, **env: str) -> WeightsFacts:
    return of_repo(repo, None, read_settings(env))


def test_weights_are_counted_once_as_an_engine_loads_them() -> None:
    sizes = {
        "model-1.safetensors": 100,
        "model-2.safetensors": 200,
        "model.fp16.safetensors": 50,
        "consolidated.safetensors": 300,
        "pytorch_model.bin": 300,
        "onnx/model.safetensors": 1000,
    }
    holds("a/b", TEXT, **sizes)

    facts = ask("a/b")

    assert (facts.bytes, facts.type, facts.unknown) == (300, ModelType.TEXT, "")
    estimate = facts.estimate(None)
    assert estimate is not None
    assert estimate.context == 1024


def test_a_variant_counts_where_there_is_nothing_else() -> None:
    holds("a/b", TEXT, **{"model.fp16.safetensors": 50, "pytorch_model.bin": 300})

    assert ask("a/b").bytes == 50


def test_of_a_pipeline_only_the_parts_that_it_names_are_counted() -> None:
    sizes = {"transformer/a.safetensors": 1000, "transformer/a.fp16.safetensors": 500, "other/b.safetensors": 7}
    holds("a/b", PIPELINE, "model_index.json", **sizes)

    facts = ask("a/b")

    assert (facts.bytes, facts.type) == (1000, ModelType.IMAGE)


def test_the_token_is_shown_to_the_hub(tmp_path: Path) -> None:
    holds("a/b", TEXT)
    file = tmp_path / "token"
    file.write_text("hf_file\n")

    ask("a/b", HF_TOKEN="hf_said")
    assert {key for _, key in ASKED} == {"Bearer hf_said"}

    ASKED.clear()
    ask("a/b", HF_TOKEN="hf_said", SWITCHYARD_HF_TOKEN_FILE=str(file))
    assert {key for _, key in ASKED} == {"Bearer hf_file"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}), "gated, private, or not there; see its page, and set HF_TOKEN"),
        ((403, {}), "gated, private, or not there"),
        ((404, {}), "has no a/b with a config.json"),
        ((500, {}), "answered 500"),
        ((200, b"<html>"), "cannot ask http://127.0.0.1:"),
        ((200, {"siblings": 3}), "cannot ask http://127.0.0.1:"),
        ((200, []), "cannot ask http://127.0.0.1:"),
    ],
)
def test_a_hub_that_does_not_tell_is_no_error(answer: tuple[int, Any], said: str) -> None:
    HUB["/api/models/a/b/revision/main"] = answer

    facts = ask("a/b")

    assert facts.config is None
    assert said in facts.unknown


def test_offline_nobody_is_asked() -> None:
    assert ask("a/b", HF_HUB_OFFLINE="1").unknown == "HF_HUB_OFFLINE keeps from asking the Hub"
    assert ASKED == []


def test_a_hub_that_is_not_there_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")

    assert ask("a/b").unknown == "cannot ask http://127.0.0.1:1 (ConnectError)"


def test_a_folder_tells_what_it_lacks(tmp_path: Path) -> None:
    assert of_folder(tmp_path / "no").unknown == f"there is no folder {tmp_path / 'no'}"
    assert "holds neither config.json nor model_index.json" in of_folder(tmp_path).unknown

    (tmp_path / "config.json").write_text("{")
    assert "holds neither" in of_folder(tmp_path).unknown
