"""Where pictures and videos may come from, and what is said of the places that they may not."""

import base64
from pathlib import Path
from typing import Any

import pytest

from switchyard_image_server.errors import InvalidValue, MediaNotAllowed
from switchyard_image_server.media.addresses import MediaReader, read_inline
from switchyard_image_server.settings import MediaSettings

CONTENT = bytes(range(256)) * 3
BASE64 = base64.b64encode(CONTENT).decode()


async def read(url: str, **settings: Any) -> bytes:
    return await MediaReader(MediaSettings(**settings)).read(url, "messages[0].content[1].image_url")


@pytest.mark.parametrize(
    "head",
    [
        "data:image/png;base64,",
        "data:;base64,",
        "DATA:image/png;BASE64,",
        "data:image/jpeg;charset=utf-8;base64,",
        "data:image/svg+xml;base64,",
        "",
    ],
)
async def test_reads_base64_with_and_without_a_head(head: str) -> None:
    assert await read(head + BASE64) == CONTENT


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(BASE64[at : at + 76] for at in range(0, len(BASE64), 76)),
        base64.urlsafe_b64encode(CONTENT).decode(),
        BASE64.rstrip("="),
    ],
)
async def test_reads_what_other_senders_call_base64(text: str) -> None:
    assert await read(f"data:image/png;base64,{text}") == CONTENT


async def test_reads_large_content(as_data_url: Any) -> None:
    content = bytes(1_000_000)

    assert await read(as_data_url(content)) == content


@pytest.mark.parametrize("url", ["http://a.test/x.png", "HTTPS://127.0.0.1/", "https:a"])
async def test_fetches_nothing_unless_that_is_allowed(url: str) -> None:
    with pytest.raises(MediaNotAllowed, match="--fetch-media") as refused:
        await read(url)

    assert refused.value.param == "messages[0].content[1].image_url"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "FILE:/etc/passwd", "file:x"])
async def test_opens_no_file_unless_a_folder_is_set_apart(url: str) -> None:
    with pytest.raises(MediaNotAllowed, match="--media-root"):
        await read(url, fetch=True)


@pytest.mark.parametrize(
    "url", ["ftp://x/a", "blob:https://x/1", "javascript:1", "concat:a|b", "gopher://x", "about:blank"]
)
async def test_takes_no_other_kind_of_address(url: str, tmp_path: Path) -> None:
    with pytest.raises(MediaNotAllowed, match="cannot read from a"):
        await read(url, fetch=True, root=tmp_path)


@pytest.mark.parametrize("url", ["/etc/passwd", "../x.png", "a picture of a cat", "ключ", "\x00"])
async def test_what_is_no_address_is_taken_for_base64_and_refused(url: str) -> None:
    with pytest.raises(InvalidValue, match="neither a data URL nor base64"):
        await read(url)


@pytest.mark.parametrize("url", ["data:image/png,abc", "data:image/png;base64,a", "data:image/png;base64,a b#"])
def test_says_what_is_wrong_with_a_data_url(url: str) -> None:
    with pytest.raises(InvalidValue, match="cannot read the data URL"):
        read_inline(url, "x")
