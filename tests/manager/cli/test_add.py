"""`switchyard add`: by flags and by questions, with the manager down; and what it leaves of the file."""

import json
from pathlib import Path

import pytest

from switchyard_contracts.catalog import read_catalog
from tests.manager.cli.conftest import CATALOG, Machine, Served

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "hidden_size": 256,
    "max_position_embeddings": 4096,
}


def weights(folder: Path, config: dict[str, object], size: int = 10 * 2**20) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(size)
    return folder


def test_flags_alone_add_a_model_and_leave_every_other_byte(machine: Machine) -> None:
    done = machine.run(
        "add", "--name", "qwen3", "--type", "text", "--repo", "Qwen/Qwen3-8B", "--vram-mib", "11000",
        "--alias", "gpt-4o", "--alias", "q3", "--context-length", "32768", "--yes",
    )  # fmt: skip

    assert done.code == 0
    after = machine.catalog.read_text()
    model = read_catalog(after).models["qwen3"]
    assert (model.repo, model.vram_mib, model.context_length) == ("Qwen/Qwen3-8B", 11000, 32768)
    assert model.aliases == ("gpt-4o", "q3")
    kept = CATALOG.rstrip().removesuffix("}").rstrip().removesuffix("}").rstrip()
    assert after.startswith(kept)
    assert '"// note": "this file is mine"' in after


def test_it_shows_what_it_would_write_and_writes_nothing_unasked(machine: Machine) -> None:
    done = machine.run("add", "--type", "text", "--repo", "Qwen/Qwen3-8B")

    assert done.code == 1
    assert '+    "qwen3-8b": {' in done.out
    assert done.err == "Nothing is written: nobody is here to ask, so say --yes to write it.\n"
    assert machine.catalog.read_text() == CATALOG


def test_the_type_and_the_memory_of_a_folder_are_found_out(machine: Machine) -> None:
    folder = weights(machine.folder / "Tiny.Llama", LLAMA)

    done = machine.run("add", "--path", str(folder), "--yes")

    assert done.code == 0
    assert (
        "It may take about 2.3 GiB on one GPU: weights 0.0, the cache of 4096 tokens 0.0, the rest 2.3."
        in done.out
    )
    assert read_catalog(machine.catalog.read_text()).models["tiny.llama"].type == "text"


def test_a_model_that_sees_is_told_by_its_config(machine: Machine) -> None:
    folder = weights(machine.folder / "vl", {"text_config": LLAMA, "vision_config": {}})

    machine.run("add", "--path", str(folder), "--yes")

    assert read_catalog(machine.catalog.read_text()).models["vl"].type == "vision"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "cannot add a model without its weights: say --repo OWNER/NAME, or --path FOLDER"),
        (("--repo", "a/b", "--path", "c"), "cannot add a model with both --repo and --path"),
        (("--repo", "a/b"), "cannot tell what type of model it is (HF_HUB_OFFLINE keeps from asking the Hub)"),
        (("--repo", "a/b", "--type", "text", "--name", "chat"), "cannot add chat: models.json has it already"),
        (("--repo", "a/b", "--type", "text", "--name", "no blanks"), "cannot name a model 'no blanks'"),
        (("--repo", "a/b", "--type", "text", "--alias", "gpt"), "cannot use the alias"),
        (("--repo", "nonsense", "--type", "text"), "models.nonsense.repo: cannot use"),
    ],
)
def test_what_cannot_be_added_is_said_and_the_file_is_left(
    machine: Machine, flags: tuple[str, ...], said: str
) -> None:
    done = machine.run("add", *flags, "--yes")

    assert done.code == 1
    assert said in done.err
    assert machine.catalog.read_text() == CATALOG


def test_where_there_is_no_catalog_yet_one_is_made(machine: Machine) -> None:
    machine.catalog.unlink()

    done = machine.run("add", "--repo", "Qwen/Qwen3-8B", "--type", "text", "--yes")

    assert done.code == 0
    assert list(read_catalog(machine.catalog.read_text()).models) == ["qwen3-8b"]


def test_in_json_it_is_the_entry_and_written_only_with_yes(machine: Machine) -> None:
    flags = ("--repo", "Qwen/Qwen3-8B", "--type", "text", "--json")
    entry = {"type": "text", "repo": "Qwen/Qwen3-8B"}

    looked = machine.run("add", *flags).json
    assert (looked["model"], looked["entry"], looked["written"]) == ("qwen3-8b", entry, False)
    assert machine.catalog.read_text() == CATALOG

    assert machine.run("add", *flags, "--yes").json == looked | {"written": True}
    assert "qwen3-8b" in read_catalog(machine.catalog.read_text()).models


def test_asked_in_a_terminal_it_needs_no_flag(machine: Machine) -> None:
    folder = weights(machine.folder / "tiny", LLAMA)
    answers = [
        ("Repository on the Hugging Face Hub (owner/name), or a folder", str(folder)),
        ("Name that clients use [tiny]", "mine"),
        ("Type (text, vision, image) [text]", ""),
        ("Longest prompt and answer", "2048"),
        ("GPU memory in MiB", "plenty"),
        ("cannot use plenty: write a whole number of at least 1, or nothing", "3000"),
        ("Other names", "one, two"),
        ("[Y/n]", "y"),
    ]

    with machine.terminal("add") as terminal:
        for question, answer in answers:
            terminal.until(question)
            terminal.seen = ""
            terminal.type(answer + "\n")
        code = terminal.end()

    assert code == 0, terminal.seen
    model = read_catalog(machine.catalog.read_text()).models["mine"]
    assert (model.context_length, model.vram_mib, model.aliases) == (2048, 3000, ("one", "two"))


def test_a_no_at_the_end_writes_nothing(machine: Machine) -> None:
    with machine.terminal(
        "add", "--repo", "a/b", "--name", "x", "--type", "image", "--vram-mib", "1", "--alias", "y"
    ) as (terminal):
        terminal.until("[Y/n]")
        terminal.type("n\n")
        code = terminal.end()

    assert code == 1
    assert machine.catalog.read_text() == CATALOG


def test_a_manager_that_runs_takes_it_up_and_lets_it_go(served: Served) -> None:
    served.run("add", "--name", "new", "--repo", "a/b", "--type", "text", "--yes")
    served.until("status", shows="new ")

    served.run("remove", "new", "--yes")
    served.until("events", shows="removed new")

    assert served.catalog.read_text() == CATALOG
