"""An upload goes out as it came, but for the model's name, as often as it is asked for."""

import io
import tempfile
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Message
from switchyard_proxy.bodies.reading import MIB, Bounds
from switchyard_proxy.bodies.uploads import Upload, read_upload
from switchyard_proxy.errors import ClientGone, Refused
from tests.proxy.bodies.arriving import arriving

TYPE = b'multipart/form-data; boundary="a-b:c"'
BOUNDS = Bounds(largest=MIB, pause_s=5, setting="--upload-limit-mib")
FILE = b'--a-b:c\r\nContent-Disposition: form-data; name="image[]"; filename="a.png"\r\n\r\n\x89PNG\r\n--a-\r\n'
MODEL = b'--a-b:c\r\nContent-Disposition: form-data; name="model"\r\nX-Own: yes\r\n\r\nalias\r\n'
STREAM = b'--a-b:c\r\nContent-Disposition: form-data; name="stream"\r\n\r\n%b\r\n'
END = b"--a-b:c--\r\n"


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[io.BytesIO]:
    made: list[io.BytesIO] = []

    def make() -> io.BytesIO:
        made.append(io.BytesIO())
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", make)
    return made


async def sent(upload: Upload) -> bytes:
    return b"".join([piece async for piece in upload.pieces()])


async def read(body: bytes, block: int = 16) -> Upload:
    return await read_upload(arriving(body), TYPE, None, BOUNDS, block)


def values(body: bytes) -> list[tuple[str | None, bytes]]:
    """What somebody else's parser finds in a form."""
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(b"Content-Type: " + TYPE + b"\r\n\r\n" + body)
    return [
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True))
        for part in message.iter_parts()
    ]


async def test_r4_a_file_may_stand_before_the_model() -> None:
    upload = await read(FILE + MODEL + STREAM % b"True" + END)

    assert (upload.model, upload.stream) == ("alias", True)
    assert dict(upload.fields) == {"model": "alias", "stream": "True"}
    await upload.close()


async def test_goes_out_as_it_came_as_often_as_wanted() -> None:
    body = FILE + MODEL + END + b"and an epilogue"
    upload = await read(body)

    assert await sent(upload) == body
    assert await sent(upload) == body
    assert upload.size == len(body)
    await upload.close()


async def test_only_the_value_of_the_model_changes() -> None:
    body = FILE + MODEL + STREAM % b"1" + END
    upload = await read(body)

    renamed = upload.renamed("org/й")

    assert await sent(renamed) == body.replace(b"alias", "org/й".encode())
    assert renamed.size == len(await sent(renamed))
    assert await sent(upload) == body
    await upload.close()


async def test_every_model_part_is_renamed() -> None:
    upload = await read(MODEL + FILE + MODEL + END)

    assert await sent(upload.renamed("a much longer name")) == (MODEL + FILE + MODEL + END).replace(
        b"alias", b"a much longer name"
    )
    await upload.close()


@pytest.mark.parametrize("before", [b"", b"\r\n"])
async def test_a_form_without_a_model_gains_one(before: bytes) -> None:
    upload = await read(before + FILE + END)

    renamed = upload.renamed("new")
    result = await sent(renamed)

    assert upload.model is None
    assert values(result)[0] == ("model", b"new")
    assert result.endswith(FILE + END)
    assert renamed.size == len(result)
    await upload.close()


async def test_an_empty_model_is_none_and_is_filled() -> None:
    upload = await read(FILE + MODEL.replace(b"alias", b"") + END)

    assert upload.model is None
    assert await sent(upload.renamed("new")) == FILE + MODEL.replace(b"alias", b"new") + END
    await upload.close()


async def test_can_be_sent_again_after_it_was_given_up_half_way() -> None:
    body = FILE + MODEL + END
    upload = await read(body)
    pieces = upload.pieces()
    await anext(pieces)

    del pieces

    assert await sent(upload) == body
    await upload.close()


async def test_is_handed_on_in_blocks_and_never_whole() -> None:
    upload = await read(FILE + MODEL + END, block=16)

    assert max([len(piece) async for piece in upload.pieces()]) == 16
    await upload.close()


async def test_closing_leaves_no_file(files: list[io.BytesIO]) -> None:
    upload = await read(FILE + MODEL + END)

    await upload.renamed("new").close()

    assert [file.closed for file in files] == [True]


@pytest.mark.parametrize(
    ("parts", "then", "raised"),
    [
        ([FILE, MODEL], None, Refused),
        ([FILE, b"--a-b:c!"], None, Refused),
        ([FILE, MODEL], {"type": "http.disconnect"}, ClientGone),
        ([FILE, b"x" * MIB], None, Refused),
    ],
)
async def test_nothing_is_kept_of_a_form_that_did_not_come_whole(
    parts: list[bytes], then: Message | None, raised: type[Exception], files: list[io.BytesIO]
) -> None:
    with pytest.raises(raised):
        await read_upload(arriving(*parts, then=then), TYPE, None, BOUNDS, 16)

    assert [file.closed for file in files] == [True]


async def test_is_bounded_whether_its_length_was_declared_or_not() -> None:
    with pytest.raises(Refused, match="--upload-limit-mib") as declared:
        await read_upload(arriving(b"never read"), TYPE, b"%d" % (MIB + 1), BOUNDS)
    with pytest.raises(Refused) as undeclared:
        await read_upload(arriving(FILE, b"x" * MIB, b"never read"), TYPE, None, BOUNDS)

    assert declared.value.code is undeclared.value.code is ErrorCode.REQUEST_TOO_LARGE


async def test_does_not_wait_for_ever_for_the_rest_of_a_form() -> None:
    never: Message = {"type": "http.request", "body": b"", "more_body": True}

    with pytest.raises(Refused, match="came, then nothing") as refused:
        await read_upload(arriving(FILE, then=never), TYPE, None, Bounds(MIB, pause_s=0.01))

    assert refused.value.code is ErrorCode.REQUEST_TIMEOUT


CONTENT = st.binary(max_size=40) | st.lists(
    st.sampled_from([b"\r\n", b"--", b"a-b:c", b"\r\n--a-b", b"\r", b"-", b"x", b"\r\n--a-b:c"]), max_size=6
).map(b"".join)
PARTS = st.lists(st.tuples(st.sampled_from(["model", "stream", "file", "prompt"]), CONTENT), max_size=5)


def form(parts: list[tuple[str, bytes]]) -> bytes:
    body = b""
    for name, content in parts:
        file = b'; filename="f"' if name == "file" else b""
        # A part must not hold its own boundary, and our fields must be texts.
        value = content.replace(b"\r\n--a-b:c", b"") if file else b"v%d" % len(content)
        body += b'--a-b:c\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n' % (name.encode(), file)
        body += value + b"\r\n"
    return body + END


@settings(max_examples=80)
@given(parts=PARTS, cuts=st.lists(st.integers(0, 400), max_size=6), block=st.sampled_from([7, 64, 10_000]))
async def test_any_chunking_gives_the_same(parts: list[tuple[str, bytes]], cuts: list[int], block: int) -> None:
    body = form(parts)
    places = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    chunks = [body[start:end] for start, end in pairwise(places)]

    upload = await read_upload(arriving(*chunks), TYPE, None, BOUNDS, block)

    try:
        assert await sent(upload) == body
        result = await sent(upload.renamed("new"))
        changed = [(name, b"new" if name == "model" else value) for name, value in values(body)]
        if all(name != "model" for name, _ in changed):
            changed.insert(0, ("model", b"new"))
        assert values(result) == changed
        models = [value.decode() for name, value in values(body) if name == "model"]
        assert upload.model == (models[-1] if models else None)
    finally:
        await upload.close()


@given(body=st.binary(max_size=80) | CONTENT.map(lambda content: FILE + content + END))
async def test_whatever_comes_is_taken_or_refused(body: bytes) -> None:
    try:
        upload = await read(body, block=10_000)
    except Refused:
        return

    assert await sent(upload) == body
    await upload.close()
