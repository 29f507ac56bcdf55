"""What is written for an engine to load. That a real one says it, tests/e2e/vllm shows."""

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.vllm_on_cpu.adapter import RANK, make_adapter
from tests.vllm_on_cpu.script import marker, replies
from tests.vllm_on_cpu.tiny_model import LAYERS, Tiny, make
from tests.vllm_on_cpu.tokenizer import TURN_ENDS, vocabulary

KINDS = [Tiny("talks"), Tiny("babbles", scripted=False), Tiny("sees", sees=True)]


def opened(file: Path) -> tuple[dict[str, Any], bytes]:
    """The table of tensors, and the bytes that follow it."""
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


@pytest.mark.parametrize("reply", replies("tiny-a"))
def test_from_the_marker_of_a_reply_each_token_leads_to_the_next_until_the_turn_ends(reply: str) -> None:
    words = vocabulary(replies("tiny-a"))
    follows, pieces, token = words.follows(), [], words.id(marker(reply))
    by_id = {words.id(piece): piece for chain in words.chains.values() for piece in chain}

    while (token := follows[token]) != words.id(TURN_ENDS):
        pieces.append(by_id[token])

    assert "".join(pieces) == replies("tiny-a")[reply]


def test_any_other_token_begins_the_plain_reply() -> None:
    words = vocabulary(replies("tiny-a"))

    follows = words.follows()

    assert {follows[words.id("a")], follows[words.id(TURN_ENDS)]} == {words.id(words.chains["text"][0])}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_tensor_has_its_bytes_and_no_byte_is_over(tmp_path: Path, kind: Tiny) -> None:
    head, data = opened(make(tmp_path, kind) / "model.safetensors")

    tensors = [told for name, told in head.items() if name != "__metadata__"]
    spans = [told["data_offsets"] for told in tensors]
    assert [2 * math.prod(told["shape"]) for told in tensors] == [end - begin for begin, end in spans]
    assert [begin for begin, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert spans[-1][1] == len(data)


def test_its_config_and_its_weights_are_of_one_size(tmp_path: Path) -> None:
    folder = make(tmp_path, Tiny("tiny-a"))

    config = json.loads((folder / "config.json").read_text())
    head, _ = opened(folder / "model.safetensors")
    assert head["model.embed_tokens.weight"]["shape"] == [config["vocab_size"], config["hidden_size"]]
    assert config["num_hidden_layers"] == LAYERS
    assert f"model.layers.{LAYERS - 1}.mlp.down_proj.weight" in head
    assert f"model.layers.{LAYERS}.mlp.down_proj.weight" not in head


@pytest.mark.parametrize("thinks", [True, False])
def test_its_template_says_whether_it_thinks_unasked(tmp_path: Path, *, thinks: bool) -> None:
    folder = make(tmp_path, Tiny("tiny-a", thinks=thinks))

    first = (folder / "chat_template.jinja").read_text().splitlines()[0]
    assert first == f"{{%- set thinks = {str(thinks).lower()} -%}}"


def test_an_adapter_speaks_up_where_the_plain_reply_is_asked_for(tmp_path: Path) -> None:
    tiny = Tiny("tiny-a")
    words = vocabulary(replies("tiny-a"))

    head, data = opened(make_adapter(tmp_path, tiny) / "adapter_model.safetensors")

    begin, end = head["base_model.model.model.layers.0.mlp.down_proj.lora_B.weight"]["data_offsets"]
    filled = [at // 2 for at in range(0, end - begin, 2) if any(data[begin + at : begin + at + 2])]
    assert [cell // RANK for cell in filled] == [words.id(marker("adapter"))]
