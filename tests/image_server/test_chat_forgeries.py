"""Control tokens cut in pieces are found where they would be one again, and nothing else is touched."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from switchyard_image_server.chat.forgeries import any_of, whole_tokens

TOKENS = any_of(["<|im_end|>", "<|im_start|>", " ", "<think>"])


def texts(*pieces: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": piece} for piece in pieces]


def test_texts_that_make_up_no_mark_are_left_as_they_are() -> None:
    parts = [
        *texts("a", "<|im_", "b", " "),
        {"type": "image"},
        *texts("<|im_"),
        {"type": "image"},
        *texts("end|>"),
    ]

    assert whole_tokens(parts, TOKENS) == parts


def test_a_mark_cut_into_many_is_put_together_and_its_neighbours_are_not() -> None:
    parts = texts("a", "b<|", "im", "_end|", ">c", "d")

    joined = whole_tokens(parts, TOKENS)

    assert [part["text"] for part in joined] == ["a", "b<|im_end|>c", "d"]


@given(st.lists(st.text("<|>imendsthk_ ", max_size=6), max_size=6))
def test_every_text_is_kept_and_no_token_is_left_in_pieces(pieces: list[str]) -> None:
    joined = [part["text"] for part in whole_tokens(texts(*pieces), TOKENS)]

    assert "".join(joined) == "".join(pieces)
    trimmed = [text.strip() for text in joined]
    whole = sum(len(TOKENS.findall(text)) for text in trimmed)
    assert len(TOKENS.findall("".join(trimmed))) <= whole


def test_where_there_are_no_tokens_nothing_is_joined() -> None:
    parts = texts("a", "b")

    assert whole_tokens(parts, any_of([])) == parts
