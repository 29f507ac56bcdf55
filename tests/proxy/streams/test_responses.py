"""A response as its events tell it, from any part of them and through any nonsense among them."""

import json
from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import given
from openai.types.responses import Response

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_proxy.streams.responses import (
    ResponseEvents,
    fold,
    life_type,
    number_of,
    object_in,
    payload_of,
    queued,
)
from switchyard_proxy.streams.stream import Kind, Status, Stream
from tests.proxy.streams.replies_of_engines import message, response, told, words

STREAM = Stream("resp_ours", "ann", "chat", Kind.RESPONSES, 100.0, "proxy-1", background=True)
REQUEST = b'{"model": "gpt", "input": "hi", "instructions": "be kind", "metadata": {"a": "b"}, "top_p": 0.5}'
LOST = ErrorBody.of(ErrorCode.STREAM_BROKEN, "cannot finish: the engine is gone")
HELLO = words("Hel", "lo")


def followed(events: list[bytes], *, own_id: bool = True) -> tuple[ResponseEvents, list[bytes]]:
    follower = ResponseEvents(STREAM, REQUEST, own_id=own_id)
    return follower, [follower.passes(event) for event in events]


def test_before_its_first_event_a_response_is_queued_and_says_what_was_asked() -> None:
    found = queued(STREAM, REQUEST)

    Response.model_validate(found)
    assert (found["id"], found["status"], found["background"]) == ("resp_ours", "queued", True)
    assert (found["model"], found["instructions"], found["top_p"]) == ("gpt", "be kind", 0.5)
    assert "input" not in found


def test_the_events_of_a_whole_reply_fold_to_the_response() -> None:
    assert fold({}, HELLO) == response("completed", output=[message("Hello")])


def test_half_a_reply_folds_to_the_text_so_far() -> None:
    found = fold(queued(STREAM, REQUEST), HELLO[:5])

    assert found["status"] == "in_progress"
    assert found["output"][0]["content"][0]["text"] == "Hel"


def test_an_end_that_does_not_repeat_the_output_keeps_it() -> None:
    found = fold({}, [*HELLO[:6], told("response.failed", 6, response=response("failed"))])

    assert found["status"] == "failed"
    assert found["output"][0]["content"][0]["text"] == "Hello"


def test_calls_reasoning_and_refusals_come_in_pieces_too() -> None:
    events = [
        told("response.created", 0, response=response("in_progress")),
        told("response.output_item.added", 1, output_index=0, item={"type": "reasoning", "id": "rs"}),
        told("response.reasoning_summary_part.added", 2, output_index=0, summary_index=0, part={"text": ""}),
        told("response.reasoning_summary_text.delta", 3, output_index=0, summary_index=0, delta="thi"),
        told("response.reasoning_summary_text.delta", 4, output_index=0, summary_index=0, delta="nk"),
        told("response.output_item.added", 5, output_index=1, item={"type": "function_call", "arguments": ""}),
        told("response.function_call_arguments.delta", 6, output_index=1, delta='{"a"'),
        told("response.function_call_arguments.delta", 7, output_index=1, delta=":1}"),
        told("response.output_item.added", 8, output_index=2, item=message("no")),
        told("response.refusal.delta", 9, output_index=2, content_index=0, delta="cannot"),
        told(
            "response.output_text.annotation.added",
            10,
            output_index=2,
            content_index=0,
            annotation={"url": "x"},
        ),
    ]

    reasoning, call, refusal = fold({}, events)["output"]

    assert reasoning["summary"] == [{"text": "think"}]
    assert call["arguments"] == '{"a":1}'
    assert refusal["content"][0]["refusal"] == "cannot"
    assert refusal["content"][0]["annotations"] == [{"url": "x"}]


JUNK = st.recursive(
    st.none() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda deeper: st.lists(deeper, max_size=2) | st.dictionaries(st.sampled_from(["id", "text"]), deeper),
    max_leaves=4,
)
KINDS = st.sampled_from([str(payload_of(event)["type"]) for event in HELLO] + ["response.x.delta", "error", ""])
FIELDS = st.sampled_from(["response", "item", "part", "output_index", "content_index", "delta", "text", "type"])


@given(
    events=st.lists(st.tuples(KINDS, st.dictionaries(FIELDS, JUNK)), max_size=8), broken=st.binary(max_size=40)
)
def test_no_nonsense_of_an_engine_makes_it_fall(
    events: list[tuple[str, dict[str, object]]], broken: bytes
) -> None:
    said = [f"data: {json.dumps({'type': kind} | fields)}\n\n".encode() for kind, fields in events]
    said.insert(len(said) // 2, b"data: " + broken + b"\n\n")
    follower = ResponseEvents(STREAM, REQUEST, own_id=True)

    found = fold(queued(STREAM, REQUEST), map(follower.passes, said))
    follower.closing()

    assert isinstance(found, dict)


def test_the_engines_id_is_replaced_wherever_the_whole_response_is_told() -> None:
    _, passed = followed(HELLO)

    tells = [payload_of(event)["response"] for event in passed if life_type(event)]
    assert {told["id"] for told in tells} == {"resp_ours"}
    assert all(told["background"] is True and told["store"] is True for told in tells)
    assert passed[2:-1] == HELLO[2:-1]
    assert [number_of(event) for event in passed] == list(range(len(HELLO)))


def test_a_response_that_keeps_its_own_id_passes_byte_by_byte() -> None:
    assert followed(HELLO, own_id=False)[1] == HELLO


def test_a_reply_with_an_end_gets_no_other() -> None:
    follower, _ = followed(HELLO)

    assert follower.closing() == []
    assert follower.ending(Status.FAILED, LOST) == []
    assert not follower.failed


def test_a_reply_without_an_end_gets_one_that_terminates() -> None:
    follower, _ = followed(HELLO[:5])

    (last,) = follower.closing()

    payload = payload_of(last)
    assert (payload["type"], payload["sequence_number"]) == ("response.failed", 5)
    assert (payload["response"]["id"], payload["response"]["status"]) == ("resp_ours", "failed")
    assert payload["response"]["error"]["code"] == "server_error"
    assert follower.failed


def test_a_cancelled_response_ends_as_cancelled_and_without_an_error() -> None:
    follower, _ = followed(HELLO[:5])

    (last,) = follower.ending(Status.CANCELLED, LOST)

    payload = payload_of(last)
    assert (payload["response"]["status"], payload["response"]["error"]) == ("cancelled", None)


def test_an_end_before_the_beginning_tells_of_both() -> None:
    follower, _ = followed([])

    created, failed = map(payload_of, follower.ending(Status.FAILED, LOST))

    assert (created["type"], created["sequence_number"]) == ("response.created", 0)
    assert (failed["type"], failed["sequence_number"]) == ("response.failed", 1)
    assert created["response"]["id"] == failed["response"]["id"] == "resp_ours"


def test_an_engine_that_answers_in_one_piece_is_told_in_events() -> None:
    follower, _ = followed([])

    events = follower.document(response("completed", output=[message("Hi")]))

    assert [payload_of(event)["type"] for event in events] == ["response.created", "response.completed"]
    assert fold({}, events)["output"] == [message("Hi")]
    assert follower.terminal == "response.completed"


def test_an_engine_that_refuses_is_told_in_its_own_words() -> None:
    follower, _ = followed([])

    events = follower.document({"error": {"message": "context too long"}})

    assert payload_of(events[-1])["response"]["error"]["message"] == "context too long"
    assert follower.failed


def test_events_without_a_name_are_known_by_their_data() -> None:
    bare = b"data: " + json.dumps({"type": "response.created", "response": {}}).encode() + b"\n\n"

    assert life_type(bare) == "response.created"
    assert life_type(b'data: {"type": "response.output_text.delta", "delta": "\\"response\\""}\n\n') is None
    assert life_type(HELLO[4]) is None


def test_what_is_no_object_is_an_empty_one() -> None:
    assert object_in(b"[1]") == object_in(b"nonsense") == object_in(b"\xff") == payload_of(b": note\n\n") == {}


def test_a_stream_that_is_not_ours_in_the_background_says_so() -> None:
    assert queued(replace(STREAM, background=False), b"")["background"] is False
