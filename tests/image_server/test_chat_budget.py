"""Whether a prompt fits, and what is said where it does not."""

import pytest

from switchyard_image_server.chat.budget import level, refusal
from switchyard_image_server.chat.counted import Counted, CountedItem, ItemKind, Level
from switchyard_image_server.settings import BudgetSettings

PICTURES = (
    CountedItem(ItemKind.IMAGE, 300, "messages[0].content[0].image_url"),
    CountedItem(ItemKind.VIDEO, 5000, "messages[0].content[1].video_url"),
    CountedItem(ItemKind.IMAGE, 400, "messages[0].content[2].image_url"),
    CountedItem(ItemKind.TEXT, 50),
)


def words(tokens: int, context: int = 100) -> Counted:
    return Counted((CountedItem(ItemKind.TEXT, tokens),), context)


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (0, Level.OK),
        (20_000, Level.OK),
        (20_001, Level.WARNING),
        (50_000, Level.WARNING),
        (50_001, Level.CRITICAL),
    ],
)
def test_a_prompt_is_large_above_a_limit_not_at_it(total: int, expected: Level) -> None:
    assert level(total, BudgetSettings()) is expected


def test_the_operator_sets_the_limits() -> None:
    assert level(11, BudgetSettings(warning=5, critical=10)) is Level.CRITICAL


@pytest.mark.parametrize(("tokens", "asked"), [(99, None), (99, 1), (0, 100), (60, 40)])
def test_what_fits_is_not_refused(tokens: int, asked: int | None) -> None:
    assert refusal(words(tokens), asked) is None


@pytest.mark.parametrize(("tokens", "asked"), [(100, None), (500, None), (60, 41), (0, 101)])
def test_what_does_not_fit_is_refused(tokens: int, asked: int | None) -> None:
    refused = refusal(words(tokens), asked)

    assert refused is not None
    assert refused.code == "context_length_exceeded"
    assert f"{tokens} prompt tokens" in refused.message
    assert "context of 100" in refused.message


def test_says_how_long_an_answer_there_is_room_for() -> None:
    refused = refusal(words(60), 41)

    assert refused is not None
    assert refused.param == "max_tokens"
    assert "41 for the answer" in refused.message
    assert "at most 40" in refused.message


def test_names_what_takes_the_most_room() -> None:
    refused = refusal(Counted(PICTURES, 4096), 10)

    assert refused is not None
    assert refused.param == "messages"
    assert "cannot fit 5750 prompt tokens" in refused.message
    assert (
        "largest: video messages[0].content[1].video_url 5000, image messages[0].content[2].image_url 400, "
        "image messages[0].content[0].image_url 300"
    ) in refused.message
    assert "fewer or smaller images and videos" in refused.message


def test_does_not_ask_for_fewer_pictures_where_there_are_none() -> None:
    refused = refusal(words(200), None)

    assert refused is not None
    assert "shorten the conversation" in refused.message
