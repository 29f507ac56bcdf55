"""Forms: parts in any order and in any pieces, bounded in every direction, and nothing left on disk."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from switchyard_image_server.api import forms
from switchyard_image_server.api.forms import Form, FormReader, Kinds, Upload, is_form, read_form
from switchyard_image_server.errors import Cancelled, InvalidValue, ServerError, TooLarge

KINDS = Kinds(frozenset({"image", "mask"}), frozenset({"seed", "lora"}))
Read = Callable[..., Form]
TYPE = "multipart/form-data; boundary=cut"


def part(name: str, content: bytes | str, file_name: str | None = None) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    named = "" if file_name is None else f'; filename="{file_name}"'
    return f'--cut\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--cut--\r\n"


def fed(content: bytes, size: int = 1_000_000) -> FormReader:
    reader = FormReader(TYPE, KINDS)
    for start in range(0, len(content), size):
        reader.feed(content[start : start + size])
    return reader


@pytest.fixture
def read() -> Iterator[Callable[..., Form]]:
    readers: list[FormReader] = []

    def one(content: bytes, size: int = 1_000_000) -> Form:
        readers.append(fed(content, size))
        return readers[-1].form()

    yield one
    for reader in readers:
        reader.close()


def request(pieces: Iterable[bytes], *, leaves: bool = False, content_type: str = TYPE) -> Request:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": one, "more_body": True} for one in pieces
    ]
    end = {"type": "http.disconnect"} if leaves else {"type": "http.request", "body": b"", "more_body": False}
    messages.append(end)

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return Request({"type": "http", "headers": [(b"content-type", content_type.encode())]}, receive)


def test_tells_a_form_by_its_type() -> None:
    assert is_form(request([], content_type="Multipart/Form-Data; boundary=x"))
    assert not is_form(request([], content_type="application/json"))
    assert not is_form(request([], content_type=""))


def test_reads_fields_and_files(read: Read) -> None:
    form = read(body(part("prompt", "a cät"), part("image", b"\x00\xff", "a.png"), part("n", "2")))

    assert form.fields == {"prompt": "a cät", "n": "2"}
    assert [(one.name, one.read(), one.is_file) for one in form.uploads] == [("image", b"\x00\xff", True)]


def test_files_may_come_first(read: Read) -> None:
    form = read(body(part("image", b"x", "a.png"), part("mask", b"y", "m.png"), part("prompt", "a cat")))

    assert form.fields == {"prompt": "a cat"}
    assert [one.read() for one in form.named("mask")] == [b"y"]


@pytest.mark.parametrize(
    "names",
    [("image", "image"), ("image[]", "image[]"), ("image[0]", "image[1]"), ("image", "image[]")],
)
def test_knows_images_under_any_name(read: Read, names: tuple[str, ...]) -> None:
    form = read(body(*(part(name, str(place), "a.png") for place, name in enumerate(names))))

    assert [one.read() for one in form.named("image")] == [b"0", b"1"]


def test_numbers_go_before_the_order_of_arrival(read: Read) -> None:
    form = read(body(part("image[1]", b"second", "b"), part("image[0]", b"first", "a")))

    assert [one.read() for one in form.named("image")] == [b"first", b"second"]


def test_a_picture_without_a_file_name_is_an_address(read: Read) -> None:
    form = read(body(part("image", "data:image/png;base64,AA==")))

    assert [(one.is_file, one.read()) for one in form.uploads] == [(False, b"data:image/png;base64,AA==")]


def test_what_was_left_empty_was_not_sent(read: Read) -> None:
    form = read(body(part("mask", b"", ""), part("size", ""), part("seed", ""), part("prompt", "a")))

    assert (form.uploads, form.fields) == ([], {"size": None, "seed": None, "prompt": "a"})


def test_lists_and_objects_are_put_together(read: Read) -> None:
    form = read(body(part("seed[]", "1"), part("seed[]", "2"), part("lora[name]", "fast")))

    assert form.fields == {"seed": ["1", "2"], "lora": {"name": "fast"}}


def test_a_prompt_of_json_stays_a_prompt(read: Read) -> None:
    assert read(body(part("prompt", '{"scene": "a cat"}'))).fields == {"prompt": '{"scene": "a cat"}'}


def test_what_it_does_not_know_is_dropped(read: Read) -> None:
    form = read(body(part("extra[a][b][c]", "1"), part("video", b"\xff" * 100, "v.mp4"), part("prompt", "a")))

    assert (form.fields, form.uploads) == ({"prompt": "a"}, [])


def test_a_field_sent_twice_is_no_text_any_more(read: Read) -> None:
    assert read(body(part("prompt", "a"), part("prompt", "b"))).fields == {"prompt": ["a", "b"]}


@given(size=st.integers(1, 70), content=st.binary(max_size=80))
@settings(max_examples=40)
def test_pieces_of_any_size_make_the_same_form(size: int, content: bytes) -> None:
    sent = body(part("image", content + b"\r\n--cu", "a"), part("prompt", "a cat"))

    with fed(sent, size).form() as form:
        assert [one.read() for one in form.uploads] == [content + b"\r\n--cu"]
        assert form.fields == {"prompt": "a cat"}


HOSTILE = {
    "no boundary ends it": part("prompt", "a"),
    "nothing": b"",
    "no form at all": b"\x00" * 100,
    "json": b'{"prompt": "a cat"}',
    "no name": body(b"--cut\r\nContent-Disposition: form-data\r\n\r\nx\r\n"),
    "no disposition": body(b"--cut\r\nX: y\r\n\r\nx\r\n"),
    "no headers": body(b"--cut\r\n\r\nx\r\n"),
    "an unreadable name": body(part("a]b[", "x")),
    "an endless header": b"--cut\r\n" + b"X" * 100_000,
    "endless headers": b"--cut\r\n" + b"X: y\r\n" * 10_000,
    "no utf-8": body(part("prompt", b"\xff\xfe")),
    "very many parts": body(*[part("x", "y")] * 300),
    "another boundary": body(part("prompt", "a")).replace(b"cut", b"other"),
    "a bare newline": b"--cut\nContent-Disposition: form-data; name=prompt\n\na\n--cut--",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("size", [7, 1_000_000])
def test_refuses_what_is_no_proper_form(read: Read, content: bytes, size: int) -> None:
    with pytest.raises(InvalidValue, match=r"cannot (read the form|use this field)"):
        read(content, size)


@pytest.mark.parametrize("content_type", ["multipart/form-data", f"multipart/form-data; boundary={'x' * 300}"])
def test_refuses_a_boundary_that_is_none(content_type: str) -> None:
    with pytest.raises(InvalidValue, match="cannot read the form"):
        FormReader(content_type, KINDS)


def test_refuses_a_large_file_and_a_large_field(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MAX_FILE", 1000)
    monkeypatch.setattr(forms, "MAX_TEXT", 1000)

    for name, file_name in (("image", "a.png"), ("prompt", None)):
        assert read(body(part(name, b"x" * 1000, file_name)))
        with pytest.raises(TooLarge) as refused:
            read(body(part(name, b"x" * 1001, file_name)), 100)
        assert refused.value.param == name


def test_all_fields_together_are_bounded(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MAX_TEXT", 1000)

    with pytest.raises(TooLarge, match="fields that are no images"):
        read(body(part("prompt", "x" * 600), part("negative_prompt", "x" * 600)))


async def test_a_whole_form_is_bounded() -> None:
    piece = part("image", b"x" * 900, "a.png")

    with pytest.raises(TooLarge, match="cannot take a form of over 1000 bytes"):
        await read_form(request([piece, piece, b"--cut--\r\n"]), KINDS, limit=1000)


async def test_a_form_that_fits_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_AT_A_TIME", 64)
    sent = body(part("image", b"x" * 500, "a.png"), part("prompt", "a cat"))

    with await read_form(request(sent[i : i + 50] for i in range(0, len(sent), 50)), KINDS) as form:
        assert (form.fields, form.uploads[0].read()) == ({"prompt": "a cat"}, b"x" * 500)


async def test_a_client_that_leaves_is_no_fault() -> None:
    with pytest.raises(Cancelled):
        await read_form(request([part("image", b"x", "a.png")], leaves=True), KINDS)


@pytest.mark.parametrize("end", [b"--cut--\r\n", b"", b"--cut\r\n\r\nx\r\n"])
async def test_leaves_no_file_behind(end: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "SPOOLED_FROM", 10)
    opened: list[Upload] = []
    remember = FormReader._new_upload
    monkeypatch.setattr(
        FormReader, "_new_upload", lambda self, part: opened.append(remember(self, part)) or opened[-1]
    )
    sent = [part("image", b"x" * 100, "a.png"), part("mask", b"", ""), end]

    try:
        with await read_form(request(sent), KINDS):
            pass
    except ServerError:
        pass

    assert [one.spool.closed for one in opened] == [True, True]
