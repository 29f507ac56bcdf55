"""Changing one model in the text of a catalog: that model changes, and not one byte beside it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_contracts.catalog import CatalogRefused, read_catalog
from switchyard_manager.catalog_edit import (
    NotInCatalog,
    Positions,
    entry_of,
    guarded_fields,
    guarded_places,
    remove_model,
    set_model,
)

ENTRY: dict[str, Any] = {"type": "text", "repo": "a/b"}
FULL = """\
{
  "$schema": "./models.schema.json",
  "//": "the living room machine",

  "defaults": { "idle_unload_s":300 },
  "models": {
    "first": {
      "type": "text", // HERE
      "repo": "a/first",
      "// why": "fits in 8 GiB",
      "vram_mib": 8000,
      "env": {"A": "1", "//": "for the driver", "B":  "2"},

      "aliases": ["one",
                  "uno"]
    },

    "// small ones": "below",
    "second": {"type": "vision", "path": "~/second", "pinned": true},
    "third": {"type": "text", "path": "~/third"}
  },
  "settings": {"max_wait_s": 60.0}
}
""".replace(" // HERE", "")


def changed(text: str, name: str, **fields: Any) -> str:
    """The text with some fields of a model's entry set, and those that are `...` removed."""
    entry = (entry_of(text, name) or {}) | fields
    return set_model(text, name, {key: value for key, value in entry.items() if value is not ...})


# In place


def test_an_entry_set_to_what_it_says_already_stays_byte_for_byte() -> None:
    assert changed(FULL, "first") == FULL
    assert changed(FULL, "second") == FULL


def test_a_changed_value_is_the_only_byte_that_changes() -> None:
    assert changed(FULL, "first", vram_mib=9000) == FULL.replace("8000", "9000")


def test_a_number_of_another_kind_is_a_change() -> None:
    assert '"max_wait_s": 60.0' in changed(FULL, "first", startup_timeout_s=60)
    assert '"pinned": true' in FULL
    with pytest.raises(CatalogRefused, match=r"models\.second\.pinned: cannot use the number 1"):
        changed(FULL, "second", pinned=1)


def test_a_removed_key_goes_with_its_line() -> None:
    assert changed(FULL, "first", vram_mib=...) == FULL.replace('      "vram_mib": 8000,\n', "")
    assert changed(FULL, "first", aliases=...) == FULL.replace(
        """,

      "aliases": ["one",
                  "uno"]""",
        "",
    )


def test_a_removed_first_key_leaves_its_place_to_the_next() -> None:
    text = '{"models": {"a": { "pinned": true, "type": "text", "repo": "a/b" }}}'

    assert changed(text, "a", pinned=...) == '{"models": {"a": { "type": "text", "repo": "a/b" }}}'


def test_a_new_key_goes_last_in_the_manner_of_its_neighbours() -> None:
    assert changed(FULL, "first", pinned=True) == FULL.replace('"uno"]\n', '"uno"],\n      "pinned": true\n')
    assert changed(FULL, "third", pinned=True) == FULL.replace('"~/third"}', '"~/third", "pinned": true}')


def test_an_object_inside_an_entry_changes_as_little() -> None:
    text = changed(FULL, "first", env={"A": "1", "B": "3", "C": "4"})

    assert text == FULL.replace('"B":  "2"}', '"B":  "3", "C": "4"}')


def test_an_item_of_a_list_is_added_and_taken_away_without_touching_the_others() -> None:
    more = changed(FULL, "first", aliases=["one", "uno", "eins"])

    assert more == FULL.replace('"uno"]', '"uno",\n                  "eins"]')
    assert changed(more, "first", aliases=["uno", "eins"]) == FULL.replace('"one"', '"uno"').replace(
        '"uno"]', '"eins"]'
    )


def test_a_comment_in_a_list_stays_with_its_item() -> None:
    text = (
        '{"models": {"a": {"type": "text", "repo": "a/b", "mounts": ['
        '{"source": "/one", "target": "/1", "//": "mine"}, {"source": "/two", "target": "/2", "//": "hers"}]}}}'
    )

    swapped = changed(
        text, "a", mounts=[{"source": "/two", "target": "/2"}, {"source": "/one", "target": "/1"}]
    )
    moved = changed(text, "a", mounts=[{"source": "/new", "target": "/1"}, {"source": "/two", "target": "/2"}])
    fewer = changed(text, "a", mounts=[{"source": "/two", "target": "/2"}])

    assert swapped.index("hers") < swapped.index("mine")
    assert moved == text.replace("/one", "/new")
    assert "hers" in fewer
    assert "mine" not in fewer


def test_comments_of_an_entry_stay_when_all_its_fields_go() -> None:
    text = set_model(FULL, "first", {"container": "box", "port": 8001})

    assert '      "// why": "fits in 8 GiB",\n      "container": "box",\n      "port": 8001\n' in text


def test_a_comment_that_the_new_entry_has_too_is_changed_like_any_key() -> None:
    assert changed(FULL, "first", **{"// why": "now 9"}) == FULL.replace("fits in 8 GiB", "now 9")


def test_a_comment_may_hold_anything_and_come_twice() -> None:
    deep = "[" * 200 + "9" * 5000 + "]" * 200
    text = FULL.replace('"fits in 8 GiB",', f'{deep}, "// why": {{"type": 1, "type": 2}},')

    assert changed(text, "first", vram_mib=9000) == text.replace("8000", "9000")


@pytest.mark.parametrize(
    "spell",
    [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n"), str.rstrip],
    ids=["byte order mark", "CRLF", "no last line end"],
)
def test_byte_order_mark_line_ends_and_the_last_line_stay(spell: Callable[[str], str]) -> None:
    text = spell(FULL)

    assert changed(text, "first", vram_mib=9000) == text.replace("8000", "9000")
    assert set(set_model(text, "new", ENTRY).splitlines(keepends=True)) >= set(
        text.splitlines(keepends=True)[:-4]
    )
    assert remove_model(set_model(text, "new", ENTRY), "new") == text


def test_a_key_written_with_escapes_is_the_same_key() -> None:
    text = r'{"models": {"\u0061": {"t\u0079pe": "text", "repo": "a/b"}}}'

    assert changed(text, "a", repo="a/c") == text.replace("a/b", "a/c")


# New entries


def test_a_new_model_is_written_like_those_before_it() -> None:
    text = set_model(FULL, "new", ENTRY)

    assert text == FULL.replace(
        '"~/third"}\n',
        '"~/third"},\n    "new": {\n      "type": "text",\n      "repo": "a/b"\n    }\n',
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            '{"models":{"a":{"type":"text","path":"x"}}}',
            '{"models":{"a":{"type":"text","path":"x"},"new":{"type":"text","repo":"a/b"}}}',
        ),
        (
            '{"a": {"type": "text", "path": "x"}}\n',
            '{"a": {"type": "text", "path": "x"}, "new": {"type": "text", "repo": "a/b"}}\n',
        ),
        (
            '{\n\t"a": {"type": "text", "path": "x"}\n}',
            '{\n\t"a": {"type": "text", "path": "x"},\n\t"new": {"type": "text", "repo": "a/b"}\n}',
        ),
        (
            '{\r\n    "a" : {\r\n        "type" : "text",\r\n        "path" : "x"\r\n    }\r\n}\r\n',
            (
                '{\r\n    "a" : {\r\n        "type" : "text",\r\n        "path" : "x"\r\n    },\r\n'
                '    "new" : {\r\n        "type" : "text",\r\n        "repo" : "a/b"\r\n    }\r\n}\r\n'
            ),
        ),
    ],
    ids=["minified", "flat on one line", "tabs and one line each", "four spaces and CRLF"],
)
def test_a_new_model_follows_the_style_of_the_file(text: str, wanted: str) -> None:
    assert set_model(text, "new", ENTRY) == wanted


def test_what_is_too_long_for_a_line_is_broken_and_indented() -> None:
    mounts = [{"source": f"/a/folder/with/a/long/name/{n}", "target": f"/mounted/{n}"} for n in range(2)]

    text = set_model(FULL, "new", ENTRY | {"mounts": mounts, "env": {}})

    assert (
        '      "mounts": [\n'
        '        {"source": "/a/folder/with/a/long/name/0", "target": "/mounted/0"},\n'
        '        {"source": "/a/folder/with/a/long/name/1", "target": "/mounted/1"}\n'
        '      ],\n      "env": {}\n' in text
    )


def test_letters_beyond_ascii_are_written_as_they_are() -> None:
    assert '"description": "für Öl"' in set_model(FULL, "new", ENTRY | {"description": "für Öl"})


def test_the_first_model_may_be_what_mends_an_empty_catalog() -> None:
    assert set_model('{"models": {}}', "new", ENTRY) == '{"models": {"new": {"type": "text", "repo": "a/b"}}}'


def test_a_broken_entry_may_be_mended_in_a_file_that_is_refused_for_it() -> None:
    text = FULL.replace('"~/third"', "3")

    assert read_catalog(set_model(text, "third", ENTRY)).models["third"].repo == "a/b"


# Removing


def test_a_removed_model_goes_with_the_blanks_before_it() -> None:
    assert remove_model(FULL, "third") == FULL.replace(
        ',\n    "third": {"type": "text", "path": "~/third"}', ""
    )


def test_the_last_model_is_not_removed() -> None:
    with pytest.raises(CatalogRefused, match="cannot run an empty catalog"):
        remove_model('{"models": {"a": {"type": "text", "path": "x"}}}', "a")


def test_a_model_that_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(NotInCatalog, match="cannot find the model fourth in"):
        remove_model(FULL, "fourth")


@pytest.mark.parametrize("name", ["// small ones", "one", "settings"])
def test_a_comment_an_alias_and_a_section_are_no_models(name: str) -> None:
    with pytest.raises(NotInCatalog):
        remove_model(FULL, name)
    assert entry_of(FULL, name) is None


@pytest.mark.parametrize("name", ["$schema", "a.type"])
def test_what_stands_beside_the_models_of_a_flat_file_is_no_model(name: str) -> None:
    flat = '{"$schema": "./models.schema.json", "a": {"type": "text", "path": "x"}}'

    with pytest.raises(NotInCatalog):
        remove_model(flat, name)
    assert remove_model(set_model(flat, "b", ENTRY), "a") == (
        '{"$schema": "./models.schema.json", "b": {"type": "text", "repo": "a/b"}}'
    )


# Refusals


def test_every_fault_of_the_result_is_told() -> None:
    with pytest.raises(CatalogRefused) as refused:
        set_model(FULL, "new", {"type": "txt", "aliases": ["one"]})

    assert [fault.path for fault in refused.value.faults] == [
        "models.new.type",
        "models.new.aliases[0]",
    ]


@pytest.mark.parametrize("name", ["", "// mine", "$comment", "a b", "\ud800", 'a"b'])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(CatalogRefused, match="cannot use this name; write a name of letters"):
        set_model(FULL, name, ENTRY)


@pytest.mark.parametrize("name", ["models", "settings", "defaults", "gpus"])
def test_a_flat_file_takes_no_model_that_would_make_it_a_full_one(name: str) -> None:
    flat = '{"a": {"type": "text", "path": "x"}}'

    with pytest.raises(CatalogRefused, match='put the models of this file under "models" first'):
        set_model(flat, name, ENTRY)
    assert name in read_catalog(set_model('{"models": ' + flat + "}", name, ENTRY)).models


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"settings": {}}', '{"models": 3}', '{"models": {}, "models": {}}']
)
def test_a_text_that_is_no_catalog_is_refused_and_not_guessed_at(text: str) -> None:
    with pytest.raises(CatalogRefused):
        set_model(text, "new", ENTRY)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**30, "\ud800", "\0"])
def test_a_value_that_no_file_can_hold_is_refused(value: object) -> None:
    with pytest.raises(CatalogRefused):
        set_model(FULL, "new", ENTRY | {"description": value})


# Any file, any edit

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
NAMES = st.sampled_from(["a", "b", "qwen2.5:7b", "org/model"])
ENTRIES = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "vision"]), "path": st.sampled_from(["~/a", "state:b"])},
    optional={
        "description": TEXTS,
        "pinned": st.booleans(),
        "idle_unload_s": st.integers(1, 900) | st.floats(0.5, 900) | st.none(),
        "env": st.dictionaries(st.sampled_from(["A", "B", "C"]), TEXTS.filter(str.isprintable), max_size=3),
        "mounts": st.lists(
            st.fixed_dictionaries(
                {"source": st.sampled_from(["/x", "~/y"]), "target": st.sampled_from(["/1", "/2", "/3"])},
                optional={"read_only": st.booleans()},
            ),
            max_size=3,
            unique_by=lambda mount: str(mount["target"]),
        ),
        "extra_args": st.lists(TEXTS.map(lambda text: "--max-logprobs"), max_size=1),
        "vram_mib": st.integers(1, 80_000),
    },
)
COMMENTS = st.dictionaries(
    st.sampled_from(["//", "// note", "//a", "$comment"]),
    TEXTS | st.integers() | st.lists(st.just({"type": 1})),
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A good file of either form, commented and laid out in any way."""
    models = draw(st.dictionaries(NAMES, ENTRIES, min_size=1))
    commented = {name: _mixed(draw, entry) for name, entry in models.items()}
    file: dict[str, Any] = _mixed(draw, commented)
    if draw(st.booleans()):
        sections = draw(st.fixed_dictionaries({}, optional={"settings": st.just({"max_wait_s": 60.0})}))
        file = _mixed(draw, {"models": file} | sections)
    text = _laid_out(draw, file, draw(st.sampled_from(["  ", "\t", "    "])), "\n")
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    return (
        draw(st.sampled_from(["", "\ufeff", " "]))
        + text.replace("\n", line_end)
        + draw(st.sampled_from(["", line_end]))
    )


def _mixed(draw: st.DrawFn, value: dict[str, Any]) -> dict[str, Any]:
    return dict(draw(st.permutations([*value.items(), *draw(COMMENTS).items()])))


def _laid_out(draw: st.DrawFn, value: Any, step: str, line: str) -> str:
    if not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=draw(st.booleans()))
    inner = line + step
    colon, blank, spread = (
        draw(st.sampled_from([":", ": ", " : "])),
        draw(st.sampled_from(["", " "])),
        draw(st.booleans()),
    )
    if isinstance(value, dict):
        texts = [json.dumps(key) + colon + _laid_out(draw, value[key], step, inner) for key in value]
    else:
        texts = [_laid_out(draw, item, step, inner) for item in value]
    gap = draw(st.sampled_from([inner, "\n" + inner])) if spread else blank
    body = ("," + gap).join(texts)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + gap + body + (line if spread else blank) + closing


def with_a_model(text: str) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.just(text), st.sampled_from(sorted(read_catalog(text).models)))


FILES_AND_MODELS = files().flatmap(with_a_model)


def pairs_of(text: str) -> Any:
    """What a text says, comments and order too; and only that."""
    return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=lambda pairs: {"": pairs})


def beside(text: str, name: str) -> Any:
    """All that stands outside a model's entry, and the comments right inside it."""
    top = pairs_of(text)[""]
    models = dict(top)["models"][""] if "models" in dict(top) else top
    others = [pair for pair in models if pair[0] != name]
    notes = [
        note for pair in models if pair[0] == name for note in pair[1][""] if note[0].startswith(("//", "$"))
    ]
    return [pair for pair in top if pair[0] not in ("models", name)], others, notes


@given(files(), NAMES, ENTRIES)
def test_only_the_model_that_is_set_changes(text: str, name: str, entry: dict[str, Any]) -> None:
    before = read_catalog(text)

    after = set_model(text, name, entry)

    assert entry_of(after, name) == entry
    assert beside(after, name) == beside(text, name)
    assert read_catalog(after).settings == before.settings
    assert {key: model for key, model in read_catalog(after).models.items() if key != name} == {
        key: model for key, model in before.models.items() if key != name
    }


@given(files(), NAMES, ENTRIES)
def test_setting_twice_is_setting_once(text: str, name: str, entry: dict[str, Any]) -> None:
    once = set_model(text, name, entry)

    assert set_model(once, name, entry) == once


@given(files(), ENTRIES)
def test_a_model_added_and_removed_leaves_no_trace(text: str, entry: dict[str, Any]) -> None:
    assert remove_model(set_model(text, "added", entry), "added") == text


@given(FILES_AND_MODELS, ENTRIES)
def test_a_model_changed_and_changed_back_says_the_same(
    file_and_model: tuple[str, str], entry: dict[str, Any]
) -> None:
    text, name = file_and_model
    was = entry_of(text, name)

    back = set_model(set_model(text, name, entry), name, was or {})

    assert entry_of(back, name) == was
    assert beside(back, name) == beside(text, name)
    assert read_catalog(back) == read_catalog(text)


@given(FILES_AND_MODELS)
def test_a_removed_model_takes_nothing_with_it(file_and_model: tuple[str, str]) -> None:
    text, name = set_model(file_and_model[0], "another", ENTRY), file_and_model[1]

    after = remove_model(text, name)

    assert entry_of(after, name) is None
    assert beside(after, name)[:2] == beside(text, name)[:2]


@given(FILES_AND_MODELS)
def test_an_entry_set_to_itself_changes_no_byte(file_and_model: tuple[str, str]) -> None:
    text, name = file_and_model

    assert set_model(text, name, entry_of(text, name) or {}) == text


# The guard

REMOTE = {"type": "text", "repo": "a/b", "engine_args": {"trust_remote_code": True}}


@pytest.mark.parametrize(
    ("fields", "guarded"),
    [
        ({"image": "x"}, ("image",)),
        ({"container": "box", "port": 5432}, ("container", "port")),
        ({"mounts": [{"source": "/", "target": "/host"}]}, ("mounts",)),
        ({"mounts": []}, ("mounts",)),
        ({"env": {"LD_PRELOAD": "/x.so"}}, ("env",)),
        ({"extra_args": ["--trust-remote-code"]}, ("extra_args",)),
        ({"path": "/etc"}, ("path",)),
        ({"path": "~/models"}, ("path",)),
        ({"engine_args": {"trust_remote_code": True}}, ("engine_args.trust_remote_code",)),
        ({"engine_args": {"chat_template": "/etc/passwd"}}, ("engine_args.chat_template",)),
        ({"engine_args": {"tokenizer": "/etc"}}, ("engine_args.tokenizer",)),
    ],
    ids=str,
)
def test_what_could_run_or_read_something_else_is_guarded(
    fields: dict[str, Any], guarded: tuple[str, ...]
) -> None:
    after = ENTRY | fields

    assert guarded_fields(ENTRY, after) == guarded
    assert guarded_fields(after, after) == ()


def test_taking_such_a_field_away_is_guarded_too() -> None:
    assert guarded_fields(ENTRY | {"image": "x", "env": {"A": "1"}}, ENTRY) == ("image", "env")


def test_what_only_concerns_the_schedule_is_free() -> None:
    after = ENTRY | {
        "priority": 5,
        "pinned": True,
        "gpus": 2,
        "aliases": ["x"],
        "vram_mib": 5,
        "description": "d",
    }

    assert guarded_fields(None, after) == ()
    assert guarded_fields(after | {"image": "x"}, after | {"image": "x", "priority": 1}) == ()


def test_an_empty_field_in_a_new_entry_says_nothing() -> None:
    assert guarded_fields(None, ENTRY | {"env": {}, "extra_args": [], "image": None, "engine_args": None}) == ()


def test_weights_from_the_hub_and_from_the_state_folder_are_free() -> None:
    assert guarded_fields(None, {"type": "text", "repo": "a/b", "revision": "main"}) == ()
    assert guarded_fields(ENTRY, {"type": "text", "path": "state:demo/chat"}) == ()


def test_while_code_of_the_weights_runs_other_weights_are_guarded() -> None:
    assert guarded_fields(REMOTE, REMOTE | {"repo": "evil/b"}) == ("repo",)
    assert guarded_fields(REMOTE, REMOTE | {"revision": "evil"}) == ("revision",)
    assert guarded_fields(None, REMOTE) == ("repo", "engine_args.trust_remote_code")
    assert guarded_fields(REMOTE, REMOTE | {"repo": None, "path": "state:x"}) == ("repo", "path")


def test_no_longer_running_code_of_the_weights_is_free() -> None:
    assert guarded_fields(REMOTE, ENTRY) == ()
    assert guarded_fields(REMOTE, {**ENTRY, "repo": "evil/b"}) == ()


# The guard, over whole texts


def whole(**top: Any) -> str:
    return json.dumps({"models": {"a": ENTRY}} | top)


@pytest.mark.parametrize(
    ("after", "guarded"),
    [
        (whole(), ()),
        (whole(settings={"max_wait_s": 5}, default_model="a"), ()),
        (whole(models={"a": ENTRY, "b": ENTRY | {"env": {"A": "1"}}}), ("models.b.env",)),
        (whole(models={"a.b": ENTRY | {"image": "x"}}), ('models["a.b"].image',)),
        (whole(defaults={"env": {"A": "1"}}), ("defaults.env",)),
        (whole(defaults={"mounts": [{"source": "/", "target": "/x"}]}), ("defaults.mounts",)),
        (whole(defaults={"priority": 3}), ()),
        (whole(gpus=[{"uuid": "GPU-1", "devices": ["/dev/mem"]}]), ("gpus",)),
        (whole(gpus=[{"uuid": "GPU-1", "use": False}]), ()),
        (json.dumps({"a": ENTRY}), ()),
        (json.dumps({"a": ENTRY | {"image": "x"}}), ("a.image",)),
        ("no json", ()),
        ("[1]", ()),
    ],
)
def test_a_whole_text_is_guarded_field_by_field(after: str, guarded: tuple[str, ...]) -> None:
    assert guarded_places(whole(), after) == guarded


def test_what_stands_there_already_is_the_operators_own() -> None:
    text = whole(
        models={"a": ENTRY | {"env": {"A": "1"}}},
        gpus=[{"uuid": "GPU-1", "devices": []}],
        defaults={"env": {"B": "2"}},
    )

    assert guarded_places(text, text) == ()
    assert guarded_places(text, whole()) == ("models.a.env", "defaults.env", "gpus")


@pytest.mark.parametrize("before", ["", "no json", "[]"])
def test_against_a_text_that_cannot_be_read_everything_is_new(before: str) -> None:
    assert guarded_places(before, whole(models={"a": ENTRY | {"image": "x"}})) == ("models.a.image",)


# Positions

LAID_OUT = """\ufeff{
  "models": {
    "qwen2.5": {"aliases": ["one", "two"]},
    "b": {
      "// note": {"x": [1]}, "type": "text"
    }
  }
}"""


@pytest.mark.parametrize(
    ("path", "position", "begins"),
    [
        ("", (1, 2), "{"),
        ("models", (2, 3), '"models"'),
        ('models["qwen2.5"]', (3, 5), '"qwen2.5"'),
        ('models["qwen2.5"].aliases[1]', (3, 36), '"two"'),
        ("models.b.type", (5, 30), '"type"'),
        ("models.b.repo", (4, 5), '"b"'),
        ('models["qwen2.5"].lora[0]["a b"].path', (3, 5), '"qwen2.5"'),
        ("nothing.at.all", (1, 2), "{"),
    ],
)
def test_each_place_is_found_by_line_and_column(path: str, position: tuple[int, int], begins: str) -> None:
    line, column = position

    assert Positions(LAID_OUT).of(path) == position
    assert LAID_OUT.split("\n")[line - 1][column - 1 :].startswith(begins)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_in_what_is_no_json_only_the_fault_itself_has_a_position(text: str) -> None:
    assert Positions(text).of("models.a") is None
    assert Positions(text).of("line 3, column 7") == (3, 7)
