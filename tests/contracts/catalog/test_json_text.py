# ruff: noqa: E501  (a sentence stays on one line, so that it is found by searching for it)
"""What is wrong with a text before anyone asks what it means, word for word."""

import pytest

from tests.contracts.catalog.samples import told

NOT_JSON = {
    "an empty file": ("", 'cannot read an empty file; write {"models": {...}} with at least one model'),
    "blanks only": (" \n", 'cannot read an empty file; write {"models": {...}} with at least one model'),
    "a comma before a closing brace": (
        '{\n  "a": 1,\n}',
        "line 2, column 9: cannot read the JSON from here on; remove the comma before the closing bracket",
    ),
    "a comma before a closing bracket": (
        "[1, ]",
        "line 1, column 3: cannot read the JSON from here on; remove the comma before the closing bracket",
    ),
    "a missing comma": (
        '{"a": 1 "b": 2}',
        "line 1, column 9: cannot read the JSON from here on; write a comma between two values, or close the bracket",
    ),
    "a missing colon": (
        '{"a" 1}',
        "line 1, column 6: cannot read the JSON from here on; write a colon between key and value",
    ),
    "a key without quotes": (
        "{a: 1}",
        "line 1, column 2: cannot read the JSON from here on; write a key in double quotes",
    ),
    "single quotes": (
        "{'a': 1}",
        "line 1, column 2: cannot read the JSON from here on; write double quotes in place of single ones",
    ),
    "a comment": (
        '{\n  // mine\n  "a": 1}',
        'line 2, column 3: cannot read the JSON from here on; remove the comment, or keep it as a value under the key "//"',
    ),
    "a missing value": (
        '{"a": }',
        "line 1, column 7: cannot read the JSON from here on; write a value: text in double quotes, a number, true, false, null, [ or {",
    ),
    "text that never ends": (
        '{"a": "b',
        "line 1, column 7: cannot read the JSON from here on; close the text that begins here with a double quote",
    ),
    "a line break inside text": (
        '{"a": "b\nc"}',
        "line 1, column 9: cannot read the JSON from here on; write a line break inside text as \\n, a tab as \\t",
    ),
    "a Windows path as it is": (
        r'{"a": "C:\models"}',
        "line 1, column 10: cannot read the JSON from here on; write a backslash inside text as \\\\",
    ),
    "half an escape": (
        r'{"a": "\u12"}',
        "line 1, column 9: cannot read the JSON from here on; write four hexadecimal digits after \\u",
    ),
    "a bracket too many": (
        "{}}",
        "line 1, column 3: cannot read the JSON from here on; remove what follows the end of the value, or a bracket too many",
    ),
    "a list without end, far too deep": (
        "[" * 100_000,
        "cannot read values nested deeper than 32 levels; remove the nesting",
    ),
    "a list in place of an object": (
        "[]",
        'cannot use a list as a catalog; write an object {"models": {...}}',
    ),
    "text in place of an object": (
        '"models"',
        'cannot use the text "models" as a catalog; write an object {"models": {...}}',
    ),
    "a number that is none": ("NaN", "cannot use NaN as a number; write a finite one of 18 digits at most"),
    "an integer too long": (
        "9" * 5000,
        f"cannot use {'9' * 24}… as a number; write a finite one of 18 digits at most",
    ),
}


@pytest.mark.parametrize(("text", "fault"), NOT_JSON.values(), ids=NOT_JSON)
def test_text_that_is_no_catalog_is_refused_with_what_to_do(text: str, fault: str) -> None:
    assert told(text) == [fault]


TOO_DEEP = "cannot read values nested deeper than 32 levels; remove the nesting"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[" * 40 + "]" * 40, f"{'[0]' * 32}: {TOO_DEEP}"),
        ('{"a":' * 40 + "1" + "}" * 40, f"{'.'.join('a' * 32)}: {TOO_DEEP}"),
    ],
)
def test_nesting_too_deep_is_refused_where_it_begins(text: str, fault: str) -> None:
    assert fault in told(text)


TEXTS = {
    "a model defined twice does not silently win": (
        '{"models": {"a": {"container": "x", "port": 1}, "a": {"container": "y", "port": 2}}}',
        'models.a: cannot use the key "a" twice; remove one of the two, or rename it',
    ),
    "a field given twice": (
        '{"models": {"a": {"container": "x", "port": 1, "port": 2}}}',
        'models.a.port: cannot use the key "port" twice; remove one of the two, or rename it',
    ),
    "a field that is not a number, and one that is infinite": (
        '{"models": {"a": {"container": "x", "port": NaN, "idle_unload_s": 1e999}}}',
        "models.a.port: cannot use NaN as a number; write a finite one of 18 digits at most",
        "models.a.idle_unload_s: cannot use 1e999 as a number; write a finite one of 18 digits at most",
    ),
    "text that cannot be encoded": (
        r'{"models": {"a": {"type": "text", "repo": "\ud800"}}}',
        r'models.a.repo: cannot use "\ud800", which holds half of a surrogate pair; remove it',
    ),
    "text that no program can be given": (
        r'{"models": {"a": {"type": "text", "path": "/m\u0000"}}}',
        r'models.a.path: cannot use "/m\u0000", which holds the character U+0000; remove it',
    ),
    "a key that cannot be encoded": (
        r'{"models": {"a": {"container": "x", "port": 1}, "\ud800": {}}}',
        r'models["\ud800"]: cannot use a key that holds half of a surrogate pair; rename it',
    ),
}


@pytest.mark.parametrize(("text", "faults"), [(text, faults) for text, *faults in TEXTS.values()], ids=TEXTS)
def test_what_a_json_reader_would_lose_is_a_fault(text: str, faults: list[str]) -> None:
    assert told(text) == faults
