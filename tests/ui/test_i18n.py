"""The page's words: the same in both languages, all used, none missing, and none written into a component."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.errors import ErrorCode

UI = Path(__file__).parents[2] / "proxy/src/switchyard_proxy/ui"
LANGUAGES = ("en", "ru")
AREAS = sorted(path.stem for path in (UI / "i18n/en").glob("*.js"))
SOURCES = [
    path for path in sorted(UI.rglob("*.js")) if not {"vendor", "i18n"} & set(path.relative_to(UI).parts[:-1])
]
SOURCES.append(UI / "i18n/index.js")
FORMS = {"en": {"one", "other"}, "ru": {"one", "few", "many", "other"}}
# The module itself says each text, so that no second reader of JavaScript is needed.
TELL = """
const texts = {};
for (const path of process.argv.slice(1)) texts[path] = (await import(path)).default;
console.log(JSON.stringify(texts));
"""
CYRILLIC = re.compile("[\u0400-\u04ff]")
Texts = dict[str, dict[str, Any]]
# Signs, names and units that are the same in every language.
SAME = re.compile(
    r"[\W\d_]+|\b(?:switchyard|GPU|RAM|LoRA|VAE|CFG|JSON|Markdown|curl|models\.json|(?:top|min)[ -][pk]|English"
    r"|on|off|px|sk|Ctrl|Enter|Shift|Alt)\b",
    re.IGNORECASE,
)


def read(paths: list[Path]) -> dict[str, dict[str, Any]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node here: install Debian's package nodejs")
    command = [node, "--input-type=module", "-e", TELL, *map(str, paths)]
    told: dict[str, dict[str, Any]] = json.loads(subprocess.check_output(command))
    return told


@pytest.fixture(scope="module")
def texts() -> dict[str, Texts]:
    """By language, then area."""
    told = read([UI / f"i18n/{lang}/{area}.js" for lang in LANGUAGES for area in AREAS])
    return {lang: {area: told[str(UI / f"i18n/{lang}/{area}.js")] for area in AREAS} for lang in LANGUAGES}


def test_both_languages_have_the_same_areas() -> None:
    assert [path.stem for path in sorted((UI / "i18n/ru").glob("*.js"))] == AREAS


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_have_the_same_keys(texts: dict[str, Texts], area: str) -> None:
    assert set(texts["en"][area]) == set(texts["ru"][area])


@pytest.mark.parametrize("area", AREAS)
def test_no_key_stands_twice(area: str) -> None:
    for lang in LANGUAGES:
        keys = re.findall(r'^  "?([\w.-]+)"?:', (UI / f"i18n/{lang}/{area}.js").read_text(), re.MULTILINE)
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_say_the_same_values(texts: dict[str, Texts], area: str) -> None:
    def values(text: object) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", json.dumps(text)))

    differing = {
        key
        for key, text in texts["en"][area].items()
        if values(text) - {"n"} != values(texts["ru"][area].get(key)) - {"n"}
    }
    assert differing == set()


@pytest.mark.parametrize("area", AREAS)
def test_a_text_with_forms_has_all_that_its_language_needs(texts: dict[str, Texts], area: str) -> None:
    for lang in LANGUAGES:
        forms = {key: set(text) for key, text in texts[lang][area].items() if isinstance(text, dict)}
        assert forms == dict.fromkeys(forms, FORMS[lang])


@pytest.mark.parametrize("area", AREAS)
def test_every_text_says_something(texts: dict[str, Texts], area: str) -> None:
    for lang in LANGUAGES:
        said = [
            form
            for text in texts[lang][area].values()
            for form in (text.values() if isinstance(text, dict) else [text])
        ]
        assert [form for form in said if not isinstance(form, str) or not form.strip()] == []


@pytest.mark.parametrize("area", AREAS)
def test_russian_is_written_in_russian(texts: dict[str, Texts], area: str) -> None:
    """A text without a Cyrillic letter is one that nobody has translated, unless it is a name or a sign."""
    untouched = {
        key: text
        for key, text in texts["ru"][area].items()
        if not CYRILLIC.search(json.dumps(text, ensure_ascii=False))
        and SAME.sub("", re.sub(r"\{\w+\}", "", json.dumps(text)))
    }
    assert untouched == {}


def asked() -> tuple[set[str], set[str]]:
    """Every key that the code asks for: whole ones, and beginnings of those that are put together."""
    written = "\n".join(path.read_text() for path in SOURCES)
    area = "|".join(AREAS)
    whole = set(re.findall(rf'"((?:{area})\.[\w.-]+)"', written))
    begun = set(re.findall(rf"`((?:{area})\.[\w.-]*)\$\{{", written))
    return whole | set(re.findall(rf"`((?:{area})\.[\w.-]+)`", written)), begun


def test_no_key_is_missing(texts: dict[str, Texts]) -> None:
    known = {f"{area}.{key}" for area in AREAS for key in texts["en"][area]}
    whole, begun = asked()

    assert whole - known == set()
    assert {start for start in begun if not any(key.startswith(start) for key in known)} == set()


def test_no_key_is_unused(texts: dict[str, Texts]) -> None:
    known = {f"{area}.{key}" for area in AREAS for key in texts["en"][area]}
    whole, begun = asked()

    assert {key for key in known - whole if not key.startswith(tuple(begun))} == set()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(UI).as_posix())
def test_no_words_stand_in_a_component(path: Path) -> None:
    assert literal_texts(path.read_text()) == []


def literal_texts(source: str) -> list[str]:
    """Words between tags, and in attributes that are read, in html templates. Values (`${…}`) are code's."""
    found = []
    for template in templates(source):
        between = re.findall(r">([^<>]+)<", f">{template}<")
        read_out = re.findall(r'\b(?:aria-label|title|placeholder|alt|label)="([^"]+)"', template)
        found += [text.strip() for text in between + read_out if SAME.sub("", text)]
    return found


def templates(source: str) -> list[str]:
    """The html templates of a module, innermost ones apart, each value in them replaced by nothing."""
    found, start = [], 0
    while (start := source.find("html`", start)) >= 0:
        start += len("html`")
        found.append(template_at(source, start))
    return found


def template_at(source: str, at: int) -> str:
    text = []
    while source[at] != "`":
        if source.startswith("${", at):
            at = end_of_value(source, at + 2)
        else:
            text.append(source[at])
            at += 1
    return "".join(text)


def end_of_value(source: str, at: int) -> int:
    """The place after the brace that closes a value, whatever strings and templates stand in between."""
    depth = 1
    while depth:
        letter = source[at]
        if letter in "\"'":
            at = source.index(letter, at + 1)
        elif letter == "`":
            at = end_of_template(source, at + 1) - 1
        depth += {"{": 1, "}": -1}.get(letter, 0)
        at += 1
    return at


def end_of_template(source: str, at: int) -> int:
    while source[at] != "`":
        at = end_of_value(source, at + 2) if source.startswith("${", at) else at + 1
    return at + 1


def test_the_reader_of_templates_finds_words_and_only_those() -> None:
    inner = 'html`<b>Inner ${t("k")}</b>`'
    source = f'html`<p title="Told" class="x">${{a.map((b) => {inner})}} : ${{"}}"}} <i>Said</i></p>`'

    assert literal_texts(source) == ["Said", "Told", "Inner"]


def test_every_code_of_an_error_is_explained(texts: dict[str, Texts]) -> None:
    assert {code.value for code in ErrorCode} <= set(texts["en"]["errors"])
