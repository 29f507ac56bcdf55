from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_image_server.chat.thoughts import Thoughts, possible_start

MARKS = [
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<function=",
    "{",
    "<",
    "/",
    " ",
    "\n",
    "so",
    "é",
]


def parted(
    pieces: list[str], *, possible: bool = True, opened: bool = False, calls: bool = False
) -> tuple[str, str]:
    thoughts = Thoughts(possible=possible, opened=opened, calls=calls)
    told = [thoughts.add(piece) for piece in pieces] + [thoughts.rest()]
    return "".join(thought for thought, _ in told), "".join(answer for _, answer in told)


@pytest.mark.parametrize(
    ("text", "opened", "thought", "answer"),
    [
        ("<think>\nLet me see.\n</think>\n\nIt is 42.", False, "Let me see.", "It is 42."),
        ("Let me see.\n</think>\n\nIt is 42.", True, "Let me see.", "It is 42."),
        ("\n<think>\nagain\n</think>yes", True, "again", "yes"),
        ("It is 42.", False, "", "It is 42."),
        ("", False, "", ""),
        ("  \n", False, "", "  \n"),
        ("<thi", False, "", "<thi"),
        ("<think>\n\n</think>\n\nIt is 42.", False, "", "It is 42."),
        ("Never comes to an end, </thi", True, "Never comes to an end, </thi", ""),
        ("<think>cut off \n", False, "cut off", ""),
        ("Use <think> and </think> as marks.", False, "", "Use <think> and </think> as marks."),
        ("a</think>b</think>c <think>d", True, "a", "b</think>c <think>d"),
    ],
)
def test_parts_thoughts_from_the_answer(text: str, opened: bool, thought: str, answer: str) -> None:
    assert parted([text], opened=opened) == (thought, answer)


def test_a_model_that_does_not_think_may_write_the_marks() -> None:
    text = "<think>is an HTML-like mark</think>"

    assert parted([text], possible=False) == ("", text)


@pytest.mark.parametrize("begun", ['<tool_call>\n{"name": "f"}', "<tool_call>\n<function=f>"])
def test_a_call_ends_thoughts_that_were_left_open(begun: str) -> None:
    text = f"I need f.\n{begun}"

    assert parted([text], opened=True, calls=True) == ("I need f.", begun)
    assert parted(list(text), opened=True, calls=True) == ("I need f.", begun)


def test_a_call_after_the_thoughts_is_no_part_of_them() -> None:
    begun = '<tool_call>\n{"name": "f"}'

    assert parted([f"I need f.</think>{begun}"], opened=True, calls=True) == ("I need f.", begun)


def test_a_mention_of_a_call_is_still_a_thought() -> None:
    text = "I could write <tool_call> now, or <tool_call> <fun, or not</think>no"

    assert parted([text], opened=True, calls=True) == (text.removesuffix("</think>no"), "no")


def test_where_no_tools_are_offered_a_call_in_thoughts_is_a_thought() -> None:
    assert parted(["see <tool_call>\n{}</think>yes"], opened=True) == ("see <tool_call>\n{}", "yes")


def test_hands_out_thoughts_while_they_come_in() -> None:
    thoughts = Thoughts(possible=True)

    assert [thoughts.add(piece)[0] for piece in ("<think>", "one ", "two", "</", "b>")] == [
        "",
        "one",
        " two",
        "",
        "</b>",
    ]
    assert thoughts.thinking


@given(
    words=st.lists(st.sampled_from(MARKS), max_size=30),
    cuts=st.lists(st.integers(0, 120), max_size=40),
    opened=st.booleans(),
    calls=st.booleans(),
)
def test_wherever_the_text_is_cut_the_same_comes_out(
    words: list[str], cuts: list[int], opened: bool, calls: bool
) -> None:
    text = "".join(words)
    places = sorted({0, len(text), *(cut for cut in cuts if cut <= len(text))})
    pieces = [text[begin:end] for begin, end in pairwise(places)]

    whole = parted([text], opened=opened, calls=calls)
    assert parted(pieces, opened=opened, calls=calls) == whole
    assert parted(list(text), opened=opened, calls=calls) == whole


@given(words=st.lists(st.sampled_from(MARKS), max_size=30), opened=st.booleans(), calls=st.booleans())
def test_every_word_comes_out_exactly_once(words: list[str], opened: bool, calls: bool) -> None:
    text = "".join(words)

    thought, answer = parted(list(text), opened=opened, calls=calls)

    left = "".join((thought + answer).split())
    assert left in {"".join(text.replace(mark, "", 1).split()) for mark in ("", "</think>")} | {
        "".join(text.replace("<think>", "", 1).replace(mark, "", 1).split()) for mark in ("", "</think>")
    }


def test_a_possible_start_is_never_the_whole_mark() -> None:
    assert [possible_start(text, "<ab>") for text in ("", "x", "x<", "<a", "<ab", "<ab>", "<<")] == [
        0,
        0,
        1,
        2,
        3,
        0,
        1,
    ]
