from typing import Any

from switchyard_image_server.chat.events import ChatEvent, Ended, Finished, Piece, Started, TokenOdds
from switchyard_image_server.chat.habits import CallForm, Habits
from switchyard_image_server.chat.reply import Reply
from switchyard_image_server.chat.scribe import FinishReason
from switchyard_image_server.chat.telling import Manner, Stream, Whole
from switchyard_image_server.chat.tools import Choice, Insistence, Tool

THINKS = Habits(thinks=True, reads_tools=True, calls=CallForm.JSON)
OFFER = Choice((Tool("f", "tools[0]"),), Insistence.AUTO)
CALL = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'
STOP = FinishReason.STOP


def odds(*texts: str) -> tuple[TokenOdds, ...]:
    return tuple(TokenOdds(text, tuple(text.encode()), -1.0) for text in texts)


def streamed(events: list[ChatEvent], manner: Manner, **more: Any) -> list[dict[str, Any]]:
    stream = Stream(Reply("x", 0, "demo", **more), manner)
    return [chunk for event in events for chunk in stream.chunks(event)]


def whole(events: list[ChatEvent], manner: Manner, **more: Any) -> dict[str, Any]:
    told = Whole(Reply("x", 0, "demo", **more), manner)
    for event in events:
        told.hear(event)
    return told.body()


def test_a_stream_says_the_same_as_the_whole_answer() -> None:
    events: list[ChatEvent] = [Started(3), *map(Piece, ("<think>", "hm", "</think>", "Well. ", CALL))]
    events += [Ended(0, STOP), Finished(3, 9)]
    manner = Manner(THINKS, OFFER)

    chunks, body = streamed(events, manner), whole(events, manner)

    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    message = body["choices"][0]["message"]
    assert "".join(delta.get("content", "") for delta in deltas) == message["content"] == "Well."
    assert [delta["reasoning_content"] for delta in deltas if "reasoning_content" in delta] == ["hm"]
    assert message["reasoning_content"] == "hm"
    assert chunks[-1]["choices"][0]["finish_reason"] == body["choices"][0]["finish_reason"] == "tool_calls"


def test_choices_come_mixed_and_end_on_their_own() -> None:
    events: list[ChatEvent] = [Started(3), Piece("a", 1), Piece("b", 0), Ended(1, FinishReason.LENGTH)]
    events += [Piece("c", 0), Ended(0, STOP), Finished(3, 3)]

    chunks = streamed(events, Manner(Habits(), Choice(), choices=2), with_usage=True)

    *told, usage = chunks
    choices = [chunk["choices"][0] for chunk in told]
    assert [
        (choice["index"], choice["delta"].get("content"), choice["finish_reason"]) for choice in choices
    ] == [
        (0, "", None),
        (1, "", None),
        (1, "a", None),
        (0, "b", None),
        (1, None, "length"),
        (0, "c", None),
        (0, None, "stop"),
    ]
    assert usage["choices"] == []


def test_several_choices_stand_side_by_side_in_a_whole_answer() -> None:
    events: list[ChatEvent] = [Started(3), Piece("a", 1), Piece("b", 0), Ended(1, FinishReason.LENGTH)]
    events += [Piece("c", 0), Ended(0, STOP), Finished(3, 3)]

    told = whole(events, Manner(Habits(), Choice(), choices=2))["choices"]

    assert [(one["index"], one["message"]["content"], one["finish_reason"]) for one in told] == [
        (0, "bc", "stop"),
        (1, "a", "length"),
    ]


def test_no_odds_are_lost_with_text_that_is_held_back() -> None:
    events: list[ChatEvent] = [Started(3), Piece("<", odds=odds("<")), Piece("think>", odds=odds("think", ">"))]
    events += [Piece("hm</think>", odds=odds("hm", "</think>")), Piece("", odds=odds("\n")), Ended(0, STOP)]
    events.append(Finished(3, 6))
    manner = Manner(THINKS, OFFER)

    chunks = [chunk["choices"][0] for chunk in streamed(events, manner, with_odds=True)]
    body = whole(events, manner, with_odds=True)["choices"][0]

    told = [one["token"] for chunk in chunks if chunk["logprobs"] for one in chunk["logprobs"]["content"]]
    assert told == ["<", "think", ">", "hm", "</think>", "\n"]
    assert [one["token"] for one in body["logprobs"]["content"]] == told


def test_what_was_held_back_is_told_before_the_end() -> None:
    events: list[ChatEvent] = [Started(3), Piece("see <tool_"), Ended(0, STOP), Finished(3, 2)]

    *_, text, end = [chunk["choices"][0] for chunk in streamed(events, Manner(THINKS, OFFER))]

    assert text["delta"] == {"content": " <tool_"}
    assert (end["delta"], end["finish_reason"]) == ({}, "stop")


def test_the_last_chunk_tells_what_memory_has_led_to() -> None:
    events: list[ChatEvent] = [Started(3), Ended(0, STOP), Finished(3, 2, note="read smaller")]

    without, with_usage = (streamed(events, Manner(THINKS, OFFER), with_usage=usage) for usage in (False, True))

    for chunks in (without, with_usage):
        assert chunks[-1]["switchyard"] == {"memory": "read smaller"}
    assert "switchyard" not in with_usage[-2]


def test_the_rest_of_an_answer_has_no_thoughts() -> None:
    events: list[ChatEvent] = [
        Started(3),
        Piece("<think>"),
        Piece(" is a mark"),
        Ended(0, STOP),
        Finished(3, 2),
    ]

    body = whole(events, Manner(THINKS, Choice(), continues=True))

    message = body["choices"][0]["message"]
    assert message["content"] == "<think> is a mark"
    assert "reasoning_content" not in message
