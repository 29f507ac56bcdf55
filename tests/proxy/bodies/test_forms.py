"""Forms are followed piece by piece; whatever is wrong with one is said in a sentence."""

from typing import Any

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.bodies.forms import LARGEST_FIELD, MOST_PARTS, Form, FormReader
from switchyard_proxy.errors import Refused

TYPE = b"multipart/form-data; boundary=B"


def part(name: str, value: bytes, *more: str) -> bytes:
    head = "\r\n".join((f'Content-Disposition: form-data; name="{name}"', *more))
    return b"--B\r\n" + head.encode() + b"\r\n\r\n" + value + b"\r\n"


def read(body: bytes, content_type: bytes = TYPE, size: int = 0) -> Form:
    reader = FormReader(content_type)
    for at in range(0, len(body), size or len(body) or 1):
        reader.feed(body[at : at + size] if size else body)
    return reader.form()


@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_finds_the_fields_wherever_they_stand(size: int) -> None:
    file = b'--B\r\nContent-Disposition: form-data; name="image[]"; filename="a.png"\r\n\r\n\r\n-B\r\n--\r\n'
    body = file + part("prompt", b"a cat") + part("model", b"m") + part("stream", b"true") + b"--B--\r\n"

    form = read(body, size=size)

    assert form.fields == {"model": "m", "stream": "true"}
    assert [body[start:end] for start, end in form.spans] == [b"m"]


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    ("body", "value"),
    [
        (part("model", b"", "Content-Type: text/plain"), ""),
        (part("model", b"\r\n--"), "\r\n--"),
        (part("model", b"m", "X-Empty: ", "Content-Type: text/plain"), "m"),
        (part("model", b"m").replace(b"form-data; name", b"form-data;   name"), "m"),
        (part("model", b"m").replace(b"Content-Disposition", b"content-DISPOSITION"), "m"),
        (part("model", b"m").replace(b'"model"', b"model"), "m"),
        (b"\r\n" + part("model", b"m"), "m"),
        (part("model", "й".encode()), "й"),
    ],
)
def test_knows_where_the_value_stands(body: bytes, value: str, size: int) -> None:
    form = read(body + b"--B--", size=size)

    assert form.fields == {"model": value}
    ((start, end),) = form.spans
    assert body[start:end].decode() == value
    assert body[form.starts :].startswith(b"--B\r\n")


def test_a_file_is_no_field_even_if_it_is_called_model() -> None:
    file = b'--B\r\nContent-Disposition: form-data; name="model"; filename="m"\r\n\r\nm\r\n--B--'

    assert read(file) == Form(b"B", 0, {}, ())


def test_of_two_models_the_last_counts_and_both_are_known() -> None:
    body = part("model", b"a") + part("model", b"b") + b"--B--"

    form = read(body)

    assert form.fields == {"model": "b"}
    assert [body[start:end] for start, end in form.spans] == [b"a", b"b"]


def test_a_form_may_be_empty() -> None:
    assert read(b"--B--\r\n").fields == {}


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b"", TYPE, "its last boundary never came"),
        (part("model", b"m"), TYPE, "breaks off in part 1"),
        (b"no form at all", TYPE, "Expected boundary"),
        (b"--B\r\nb@d: x\r\n\r\n\r\n--B--", TYPE, "invalid character"),
        (b"--B\r\n\r\nx\r\n--B--", TYPE, "part 1 has no name"),
        (b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--", TYPE, "part 1 has no name"),
        (part("model", b"m", "X-Empty:") + b"--B--", TYPE, "is empty; leave that header out"),
        (b"--B--", b"multipart/form-data", "names no boundary"),
        (b"--B--", b"multipart/mixed; boundary=B", "must be multipart/form-data"),
        (b"--B--", b"", "must be multipart/form-data"),
        (b"--B--", b"multipart/form-data; boundary=" + b"B" * 300, "Boundary length 300"),
        (part("x", b"", f"X: {'y' * 9000}") + b"--B--", TYPE, "Maximum header size"),
        (part("x", b"") * (MOST_PARTS + 1) + b"--B--", TYPE, f"more than {MOST_PARTS} parts"),
        (part("x", b"y" * (LARGEST_FIELD + 1)) + b"--B--", TYPE, "over 1048576 bytes and no file"),
    ],
)
def test_says_what_is_wrong_with_a_form(body: bytes, content_type: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        read(body, content_type)

    assert refused.value.code is ErrorCode.INVALID_VALUE
    assert str(refused.value).startswith("cannot read the form")


def test_a_field_that_is_no_text_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="no UTF-8 text") as refused:
        read(part("model", b"\xff") + b"--B--")

    assert refused.value.body.param == "model"


def test_takes_as_many_parts_as_it_says_and_files_of_any_size() -> None:
    file = b'--B\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"x" * 2 * LARGEST_FIELD
    body = part("x", b"") * (MOST_PARTS - 1) + file + b"\r\n--B--"

    assert read(body).fields == {}


def test_bad_forms_do_not_fill_the_log(caplog: Any) -> None:
    with pytest.raises(Refused):
        read(b"no form at all")

    assert caplog.records == []
