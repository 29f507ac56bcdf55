"""The pieces that a scripted model speaks in."""

import pytest

from tests.vllm_on_cpu.script import cut, replies

BYTES = {chr(byte) for byte in range(128)}


def test_the_pieces_of_a_reply_make_it_up() -> None:
    said = replies("tiny-a")

    chains = cut(said, BYTES)

    assert {reply: "".join(pieces) for reply, pieces in chains.items()} == said


def test_no_piece_stands_twice_and_none_is_a_single_byte() -> None:
    pieces = [piece for chain in cut(replies("a"), BYTES).values() for piece in chain]

    assert len(pieces) == len(set(pieces))
    assert not BYTES & set(pieces)


def test_words_that_came_before_are_joined_until_they_are_new() -> None:
    chains = cut({"first": "one two", "second": "one two one two"}, BYTES)

    assert chains == {"first": ["one", " two"], "second": ["one two", " one two"]}


def test_markup_stays_whole() -> None:
    assert cut({"think": "<think>so</think>that"}, BYTES)["think"] == ["<think>", "so", "</think>", "that"]


@pytest.mark.parametrize("again", ["same", "<think>a</think>"])
def test_a_reply_that_cannot_be_told_from_another_is_refused(again: str) -> None:
    with pytest.raises(ValueError, match="cannot script"):
        cut({"first": again, "second": again}, BYTES)
