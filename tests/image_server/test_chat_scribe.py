"""Text from tokens: characters and stop strings that are spread over several of them."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from switchyard_image_server.chat.scribe import Detokenizer, FinishReason, Scribe, StopCutter

END = 256


def decode(tokens: list[int]) -> str:
    """A tokenizer of single bytes."""
    return bytes(token for token in tokens if token != END).decode("utf-8", errors="replace")


def written(
    text: str, *, stops: Sequence[str] = (), limit: int = 1000, end: bool = True
) -> tuple[list[str], Scribe]:
    shown: list[str] = []
    scribe = Scribe(decode, shown.append, ends=frozenset({END}), limit=limit, stops=stops)
    for token in [*text.encode(), *([END] if end else [])]:
        if scribe.take(token):
            break
    scribe.close()
    return shown, scribe


@given(st.text())
@example("naïve café 🚂 東京")
def test_what_is_streamed_is_the_text(text: str) -> None:
    shown, scribe = written(text)

    assert "".join(shown) == text
    assert scribe.finished is FinishReason.STOP
    assert scribe.tokens == len(text.encode()) + 1


@given(st.text(alphabet="aé🚂", max_size=20))
def test_never_shows_half_a_character(text: str) -> None:
    shown, _ = written(text)

    assert all("\N{REPLACEMENT CHARACTER}" not in piece for piece in shown)


def test_shows_an_incomplete_character_at_the_very_end() -> None:
    shown: list[str] = []
    scribe = Scribe(decode, shown.append, ends=frozenset({END}), limit=3)

    for token in "a🚂".encode()[:3]:
        scribe.take(token)
    scribe.close()

    assert "".join(shown) == "a\N{REPLACEMENT CHARACTER}"


@given(
    st.text(alphabet="abc", max_size=30),
    st.lists(st.text(alphabet="abc", min_size=1, max_size=4), max_size=4),
)
@example("abab", ["abb", "bab"])
def test_text_ends_before_the_first_stop_string(text: str, stops: list[str]) -> None:
    # What a reader of the whole text would cut, had it grown letter by letter.
    ends = [end for end in range(len(text) + 1) if any(text[:end].endswith(stop) for stop in stops)]
    seen = text[: ends[0]] if ends else text
    cut = min((seen.find(stop) for stop in stops if stop in seen), default=len(seen))

    shown, scribe = written(text, stops=stops)

    assert "".join(shown) == seen[:cut]
    assert scribe.finished is FinishReason.STOP
    assert scribe.tokens == (ends[0] if ends else len(text) + 1)


def test_holds_back_only_what_could_become_a_stop_string() -> None:
    cutter = StopCutter(["###"])

    assert [cutter.add(piece) for piece in ("one #", "# two ##", "")] == ["one ", "## two ", ""]
    assert cutter.rest() == "##"
    assert not cutter.met


def test_stops_at_the_limit_with_reason_length() -> None:
    shown, scribe = written("abcdef", limit=3)

    assert "".join(shown) == "abc"
    assert scribe.finished is FinishReason.LENGTH
    assert scribe.tokens == 3


def test_a_generation_that_just_ends_ran_into_its_limit() -> None:
    scribe = Scribe(decode, lambda _: None, ends=frozenset(), limit=10)
    scribe.take(97)

    assert scribe.close() is FinishReason.LENGTH


def test_ignores_stop_strings_before_the_least_length() -> None:
    shown: list[str] = []
    scribe = Scribe(decode, shown.append, ends=frozenset({END}), limit=99, stops=["b"], min_tokens=4)

    for token in b"abababab":
        if scribe.take(token):
            break

    assert "".join(shown) == "aba"
    assert scribe.tokens == 4


def test_tokens_that_join_their_neighbours_are_decoded_with_them() -> None:
    def with_spaces(tokens: list[int]) -> str:
        """As SentencePiece does: the first token loses its leading space."""
        return "".join(f" {token}" for token in tokens).lstrip()

    text = Detokenizer(with_spaces)

    assert "".join(text.add(token) for token in (1, 2, 3, 4)) == "1 2 3 4"


@pytest.mark.parametrize("stops", [(), ("never",)])
def test_decodes_in_constant_time_per_token(stops: tuple[str, ...]) -> None:
    lengths: list[int] = []

    def counting(tokens: list[int]) -> str:
        lengths.append(len(tokens))
        return decode(tokens)

    scribe = Scribe(counting, lambda _: None, ends=frozenset(), limit=1000, stops=stops)
    for token in b"abc" * 100:
        scribe.take(token)

    assert max(lengths) <= 2


def test_the_rest_of_a_text_joins_what_stands_there_already() -> None:
    def with_spaces(tokens: list[int]) -> str:
        return "".join(f" {token}" for token in tokens).lstrip()

    text = Detokenizer(with_spaces, before=(1, 2))

    assert "".join(text.add(token) for token in (3, 4)) == " 3 4"
