"""The demo models as files: what they say is true, every reply can be told apart, and nothing is made twice."""

import json
import re
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from switchyard_contracts.catalog import read_catalog
from switchyard_image_server.demo import make as making
from switchyard_image_server.demo.language import _codes, _next_tokens
from switchyard_image_server.demo.make import RECIPES, STAMP, make
from switchyard_image_server.demo.replies import Script, chat_script, plain_script, vision_script
from switchyard_image_server.demo.tokens import cut, vocabulary

SCRIPTS = [chat_script(), vision_script(), plain_script("tiny")]
named = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
LANGUAGE = ("chat", "vision")


@named
def test_following_the_tokens_from_each_marker_says_the_reply(script: Script) -> None:
    words = vocabulary(script)
    following = _next_tokens(words)
    spelling = {number: token for token, number in words.ids.items()}

    for name, reply in script.all_replies().items():
        said, token = "", words.marker(name)
        while (token := following[token]) != words.end:
            said += spelling[token]
        assert said == spelled(reply)


def spelled(text: str) -> str:
    """The tokenizer's spelling: spaces and newlines have letters of their own."""
    return text.replace(" ", "Ġ").replace("\n", "Ċ")


@named
def test_no_token_stands_in_two_places(script: Script) -> None:
    chains = vocabulary(script).chains.values()

    tokens = [token for chain in chains for token in chain]
    assert len(tokens) == len(set(tokens))


@named
def test_the_right_token_leads_by_far(script: Script) -> None:
    codes = list(_codes(vocabulary(script), seed=0).values())

    closest = max(256 - 2 * (one ^ other).bit_count() for one, other in combinations(codes, 2))

    assert closest < 256 / 2  # of 64 and 32: e^-32 to choose wrongly, at temperature 1


@named
def test_long_replies_stream_in_many_pieces(script: Script) -> None:
    chains = vocabulary(script).chains

    assert all(
        len(chains[name]) >= len(reply.split()) / 3
        for name, reply in script.all_replies().items()
        if len(reply) > 99
    )


def test_repeated_words_are_joined_until_the_piece_is_new() -> None:
    used: set[str] = set()

    pieces = [cut(text, used) for text in ("the cat the dog", "the cat", "dog the cat the")]

    assert ["".join(chain) for chain in pieces] == ["the cat the dog", "the cat", "dog the cat the"]
    flat = [piece for chain in pieces for piece in chain]
    assert len(flat) == len(set(flat))


def test_a_reply_that_is_a_piece_already_is_refused() -> None:
    used = {"dog"}

    with pytest.raises(ValueError, match="'dog' is the whole of another piece"):
        cut("dog", used)


def test_the_demo_calls_itself_one() -> None:
    for script in (chat_script(), vision_script()):
        greeting = script.all_replies()["text"]
        assert "DEMO" in greeting
        assert "not intelligent" in greeting


def test_the_entry_it_proposes_is_one_that_switchyard_takes() -> None:
    reply = chat_script().all_replies()["add"]
    example = re.search(r"\{.*\n\}", reply, re.DOTALL)

    assert example is not None
    catalog = read_catalog(example[0])
    assert [model.repo for model in catalog.models.values()] == ["Qwen/Qwen3-8B"]


def test_the_curl_line_it_proposes_holds_a_request() -> None:
    reply = chat_script().all_replies()["picture"]
    body = re.search(r"-d '(.*)'", reply)

    assert body is not None
    assert json.loads(body[1]).keys() == {"model", "prompt"}


@pytest.mark.parametrize("task", ["title", "tags", "followups"])
def test_answers_the_tasks_of_open_webui_with_json(task: str) -> None:
    assert json.loads(chat_script().all_replies()[task])


def test_makes_the_models_once(tmp_path: Path) -> None:
    first: list[str] = []
    second: list[str] = []

    make(tmp_path, LANGUAGE, first.append)
    written = (tmp_path / "chat" / "model.safetensors").stat().st_mtime_ns
    make(tmp_path, LANGUAGE, second.append)

    assert [line.split(" in ")[0] for line in first] == ["demo model chat: made", "demo model vision: made"]
    assert [line.split(" in ")[0] for line in second] == [
        "demo model chat: up to date",
        "demo model vision: up to date",
    ]
    assert (tmp_path / "chat" / "model.safetensors").stat().st_mtime_ns == written


def test_the_models_are_small(tmp_path: Path) -> None:
    make(tmp_path, LANGUAGE, lambda _: None)

    sizes = [sum(file.stat().st_size for file in (tmp_path / name).iterdir()) for name in LANGUAGE]
    assert max(sizes) < 4_000_000


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    for out in ("one", "two"):
        make(tmp_path / out, LANGUAGE, lambda _: None)

    def content(out: str) -> dict[str, bytes]:
        folder = tmp_path / out
        return {
            str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()
        }

    assert content("one") == content("two")


@pytest.mark.parametrize("harm", ["older stamp", "no stamp", "killed half-way"])
def test_makes_again_what_is_old_or_half_made(tmp_path: Path, harm: str) -> None:
    make(tmp_path, ("chat",), lambda _: None)
    chat = tmp_path / "chat"
    match harm:
        case "older stamp":
            (chat / STAMP).write_text("older")
        case "no stamp":
            (chat / STAMP).unlink()
        case "killed half-way":
            chat.rename(tmp_path / ".making-chat")
    said: list[str] = []

    make(tmp_path, ("chat",), said.append)

    assert said == [f"demo model chat: made in {chat}"]
    assert (chat / "model.safetensors").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "chat"]


def test_a_maker_that_fails_leaves_the_old_model_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, ("chat",), lambda _: None)
    (tmp_path / "chat" / STAMP).write_text("older")

    def fail(folder: Path) -> None:
        (folder / "config.json").write_text("{}")
        raise OSError("cannot write: the disk is full")

    monkeypatch.setitem(RECIPES, "chat", making.Recipe(fail, ("replies.py",)))
    with pytest.raises(OSError, match="the disk is full"):
        make(tmp_path, ("chat",), lambda _: None)

    assert (tmp_path / "chat" / "model.safetensors").is_file()


def test_the_command_makes_what_it_is_told_and_imports_no_torch_for_text(tmp_path: Path) -> None:
    program = (
        "import sys, runpy\n"
        f"sys.argv = ['demo', {str(tmp_path)!r}, '--only', 'chat', 'vision']\n"
        "try:\n"
        "    runpy.run_module('switchyard_image_server.demo', run_name='__main__')\n"
        "except SystemExit as ended:\n"
        "    assert not ended.code, ended.code\n"
        "assert 'torch' not in sys.modules"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert [line.split(":")[0] for line in ended.stdout.splitlines()] == [
        "demo model chat",
        "demo model vision",
    ]


def test_two_makers_at_once_make_one_model(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "switchyard_image_server.demo", str(tmp_path), "--only", "chat"]

    makers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [maker.communicate(timeout=30)[0] for maker in makers]

    assert [maker.returncode for maker in makers] == [0, 0, 0]
    assert sum("chat: made" in line for line in said) == 1


def test_markers_and_ends_are_special_but_tool_calls_are_text(tmp_path: Path) -> None:
    make(tmp_path, ("chat",), lambda _: None)

    added = json.loads((tmp_path / "chat" / "tokenizer.json").read_text())["added_tokens"]

    special = {token["content"]: token["special"] for token in added}
    assert special["<|im_end|>"]
    assert special["<|script_text|>"]
    assert not special["<tool_call>"]
    assert all(one["id"] + 1 == other["id"] for one, other in pairwise(added))
