"""Any stretch of a file can be read out of its base64, and no other is decoded."""

import base64

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_proxy.budget.content import Broken, Content, data_url


@given(content=st.binary(min_size=1, max_size=300), offset=st.integers(0, 310), size=st.integers(0, 310))
def test_reads_what_stands_there(content: bytes, offset: int, size: int) -> None:
    text = base64.b64encode(content).decode()

    assert Content(text).at(offset, size) == content[offset : offset + size]
    assert Content(text.rstrip("=")).at(offset, size) == content[offset : offset + size]
    assert data_url(f"data:a/b;base64,{text}").at(offset, size) == content[offset : offset + size]


@pytest.mark.parametrize("turn", [base64.encodebytes, base64.urlsafe_b64encode])
def test_reads_what_odd_senders_write(turn: type) -> None:
    content = bytes(range(256)) * 3

    assert Content(turn(content).decode()).at(500, 50) == content[500:550]


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,AAAA",
        "DATA:image/png;BASE64,AAAA",
        "data:;base64,AAAA",
        "data:a/b;x=y;base64,AAAA",
    ],
)
def test_knows_a_data_url(url: str) -> None:
    assert data_url(url).at(0, 9) == b"\x00\x00\x00"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "data:",
        "data:image/png,AAAA",
        "data:image/png;base64",
        "x:image/png;base64,AAAA",
        "data:" + "x" * 9000,
    ],
)
def test_refuses_what_is_none(url: str) -> None:
    with pytest.raises(Broken, match="no base64 data URL"):
        data_url(url)


@pytest.mark.parametrize(
    ("text", "why"), [("", "empty"), ("A", "empty"), ("????", "broken"), ("====", "broken"), ("AAAé", "broken")]
)
def test_refuses_broken_base64(text: str, why: str) -> None:
    with pytest.raises(Broken, match=why):
        Content(text)


def test_only_what_is_looked_at_is_decoded() -> None:
    content = Content("AAAA" * 1000 + "????" + "AAAA" * 1000)

    assert content.at(0, 3000) == bytes(3000)
    with pytest.raises(Broken, match="base64 is broken"):
        content.at(2999, 2)
