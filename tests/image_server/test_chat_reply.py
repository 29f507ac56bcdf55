from switchyard_image_server.chat.counted import Counted, CountedItem, ItemKind
from switchyard_image_server.chat.events import Finished, TokenOdds
from switchyard_image_server.chat.reply import Reply
from switchyard_image_server.chat.tool_calls import Call
from switchyard_image_server.chat.voice import Called, Heard, Thought, Words

REPLY = Reply("chatcmpl-ab12", 1_700_000_000, "demo")
END = Finished(10, 5)


def message(heard: Heard) -> dict[str, object]:
    told: dict[str, object] = REPLY.whole([(heard, "stop")], END)["choices"][0]["message"]
    return told


def test_a_message_holds_what_was_thought_said_and_called() -> None:
    heard = Heard(["hm"], ["We", "ll."], [Called(0, Call("f", "{}"))])

    assert message(heard) == {
        "role": "assistant",
        "content": "Well.",
        "refusal": None,
        "reasoning_content": "hm",
        "tool_calls": [
            {"id": "call_ab12_0_0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ],
    }


def test_only_a_call_without_words_has_no_content() -> None:
    assert message(Heard(calls=[Called(0, Call("f", "{}"))]))["content"] is None
    assert message(Heard(thoughts=["hm"]))["content"] == ""


def test_a_streamed_call_has_its_name_first() -> None:
    first, second = REPLY.said(1, Called(2, Call("f", '{"a":1}')))

    assert first["choices"][0]["delta"]["tool_calls"] == [
        {"index": 2, "id": "call_ab12_1_2", "type": "function", "function": {"name": "f", "arguments": ""}}
    ]
    assert second["choices"][0]["delta"]["tool_calls"] == [{"index": 2, "function": {"arguments": '{"a":1}'}}]
    assert first["choices"][0]["index"] == 1


def test_thoughts_and_words_have_fields_of_their_own() -> None:
    deltas = [REPLY.said(0, said)[0]["choices"][0]["delta"] for said in (Thought("hm"), Words("well"))]

    assert deltas == [{"reasoning_content": "hm"}, {"content": "well"}]


def test_odds_are_told_in_openais_shape_if_asked_for() -> None:
    odds = [TokenOdds("a", (97,), -0.5, (TokenOdds("a", (97,), -0.5), TokenOdds("b", (98,), -1.5)))]

    told = Reply("x", 0, "demo", with_odds=True).ending(0, "stop", odds)["choices"][0]["logprobs"]

    assert told["content"][0] == {
        "token": "a",
        "logprob": -0.5,
        "bytes": [97],
        "top_logprobs": [
            {"token": "a", "logprob": -0.5, "bytes": [97]},
            {"token": "b", "logprob": -1.5, "bytes": [98]},
        ],
    }
    assert REPLY.ending(0, "stop", odds)["choices"][0]["logprobs"] is None


def test_usage_says_where_the_tokens_come_from() -> None:
    counted = Counted((CountedItem(ItemKind.IMAGE, 4), CountedItem(ItemKind.TEXT, 6)), 100)

    told = Reply("x", 0, "demo", counted=counted).usage(END, thought_tokens=2)

    assert told == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {"image_tokens": 4, "video_tokens": 0, "text_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }


def test_usage_leaves_out_what_is_not_known() -> None:
    text = Counted((CountedItem(ItemKind.TEXT, 10),), 100)
    read_smaller = Counted((CountedItem(ItemKind.IMAGE, 40), CountedItem(ItemKind.TEXT, 6)), 100)

    for counted in (None, text, read_smaller):
        assert set(Reply("x", 0, "demo", counted=counted).usage(END)) == {
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
        }
