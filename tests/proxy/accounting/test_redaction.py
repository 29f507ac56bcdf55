"""No secret is kept, whatever the text looks like and wherever it is cut; all else stays as it was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_proxy.accounting.redaction import cleaned, safe_headers, safe_target, without_secrets

SECRET = "hunter2-very-secret"


@pytest.mark.parametrize(
    "name",
    [b"authorization", b"Authorization", b"x-api-key", b"api-key", b"cookie", b"set-cookie", b"x-auth-token"],
)
def test_headers_that_carry_secrets_keep_their_names_only(name: bytes) -> None:
    kept = safe_headers([(name, SECRET.encode()), (b"accept", b"*/*")])

    assert SECRET not in str(kept)
    assert kept["accept"] == "*/*"
    assert name.decode().lower() in kept


def test_a_secret_in_an_address_goes() -> None:
    target = safe_target(f"/v1/x?beta=true&api_key={SECRET}&limit=5")

    assert target == "/v1/x?beta=true&api_key=[redacted]&limit=5"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"api_key": "%s", "a": "b"}', '{"api_key": "[redacted]", "a": "b"}'),
        ('{"Password":"%s"}', '{"Password":"[redacted]"}'),
        ('{"my\\u0020Token" : "%s"}', '{"my\\u0020Token" : "[redacted]"}'),
        ('{"client\\u0053ecret":"%s"}', '{"client\\u0053ecret":"[redacted]"}'),
        ('{"keys":["%s",{"a":"%s"}],"b":"c"}', '{"keys":["[redacted]",{"a":"[redacted]"}],"b":"c"}'),
        ('data: {"token":"%s"}\n\ndata: {"a":"b"}\n\n', 'data: {"token":"[redacted]"}\n\ndata: {"a":"b"}\n\n'),
        ('{"a":"b","secret":"%s', '{"a":"b","secret":"[redacted]"'),
        ('{"secret":"\\"%s\\""}', '{"secret":"[redacted]"}'),
        ('{"arguments":"{\\"api_key\\":\\"%s\\"}"}', '{"arguments":"{\\"api_key\\":\\"[redacted]\\"}"}'),
        ('a " stray quote\n{"token":"%s"}', 'a " stray quote\n{"token":"[redacted]"}'),
        ('{"password": 12345}', '{"password": "[redacted]"}'),
        ('{"key": null, "keys": {}}', '{"key": null, "keys": {}}'),
    ],
)
def test_members_that_sound_like_secrets_lose_their_values(text: str, expected: str) -> None:
    assert without_secrets(text.replace("%s", SECRET)) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"max_tokens": 100, "prompt": "my password is a token: \\"key\\""}',
        '{"usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}}, "x": "y"}',
        'data: {"choices":[{"delta":{"content":"a key"}}]}\n\ndata: [DONE]\n\n',
        '{"role": "user", "content": "token", "more": "x"}',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "value",
    ["Bearer abcdefgh12345", "sk-abcdefghijklmnop1234", "sy-Abc_def-ghijklmnop", "hf_abcdefghijklmnopqr"],
)
def test_what_looks_like_a_key_goes_wherever_it_stands(value: str) -> None:
    kept = cleaned("application/json", "", f'{{"content": "use {value} please"}}'.encode(), 99, cut=False)

    assert kept.text == '{"content": "use [redacted] please"}'


@pytest.mark.parametrize(
    ("picture", "note"),
    [
        ("data:image/webp;base64,UklGR" + "A" * 995, "[image/webp, 750 bytes left out]"),
        ("iVBORw0KGgo" + "A" * 989, "[image/png, 750 bytes left out]"),
        ("/9j/" + "A" * 996, "[image/jpeg, 750 bytes left out]"),
        ("Q" * 1_000, "[base64, 750 bytes left out]"),
    ],
)
def test_pictures_become_a_note_of_kind_and_size(picture: str, note: str) -> None:
    kept = cleaned("application/json", "", json.dumps({"b64_json": picture, "n": 1}).encode(), 9, cut=False)

    assert kept.text == json.dumps({"b64_json": note, "n": 1})


@pytest.mark.parametrize(
    ("kind", "encoding", "text"),
    [
        ("multipart/form-data; boundary=x", "", "[9 bytes of multipart/form-data]"),
        ("application/json", "gzip", "[9 bytes of gzip application/json]"),
        ("audio/mpeg", "", "[9 bytes of audio/mpeg]"),
        ("application/x-www-form-urlencoded", "", "[9 bytes of application/x-www-form-urlencoded]"),
        ("text/event-stream; charset=utf-8", "", "data: {}\n"),
        ("application/problem+json", "identity", "data: {}\n"),
    ],
)
def test_only_text_is_kept(kind: str, encoding: str, text: str) -> None:
    assert cleaned(kind, encoding, b"data: {}\n", 9, cut=False).text == text


NAMES = st.sampled_from(["api_key", "a", "user_password", "Token", "CLIENT_SECRET", "list"])
INNOCENT = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(
    INNOCENT | st.just(SECRET),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def hidden(value: Any, *, under_secret: bool = False) -> Any:
    """The same without what stands under a secret name."""
    match value:
        case dict():
            return {
                name: hidden(of, under_secret=under_secret or name not in {"a", "list"})
                for name, of in value.items()
            }
        case list():
            return [hidden(one, under_secret=under_secret) for one in value]
        case str() if under_secret:
            return "[redacted]"
        case _:
            return value


def numbers_gone(value: Any) -> Any:
    """A number under the name of a password goes, one under another does not: here both count as gone."""
    match value:
        case dict():
            return {name: numbers_gone(of) for name, of in value.items()}
        case list():
            return list(map(numbers_gone, value))
        case bool() | None:
            return value
        case int():
            return "[redacted]"
        case _:
            return value


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_json_keeps_its_shape_and_loses_its_secrets(value: Any, indent: int | None, escape: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escape)

    kept = json.loads(without_secrets(text))

    assert numbers_gone(kept) == numbers_gone(hidden(value))


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.integers(0, 200))
def test_a_cut_anywhere_shows_no_secret_that_the_whole_does_not(value: Any, at: int) -> None:
    text = json.dumps(value)

    shown = without_secrets(text[:at])

    if SECRET in shown:
        assert SECRET in without_secrets(text)
    assert shown.count(SECRET) <= without_secrets(text).count(SECRET)


@given(st.binary(max_size=300))
def test_no_bytes_make_it_raise(body: bytes) -> None:
    cleaned("application/json", "", b'"key":' + body, len(body) + 1, cut=True)
    safe_headers([(body, body)])
