"""Conversations: pictures become data URLs, calls get ids, and results the ids of the calls they answer."""

import json

import pytest

from switchyard_proxy.dialects.ollama.messages import openai_messages


def calls(*names: str) -> dict:
    made = [{"function": {"name": name, "arguments": {"city": "Zürich"}}} for name in names]
    return {"role": "assistant", "content": "", "tool_calls": made}


def test_words_stay_words() -> None:
    said = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]

    assert openai_messages(said) == said


@pytest.mark.parametrize(
    ("image", "url"),
    [
        ("/9j/4AAQ", "data:image/jpeg;base64,/9j/4AAQ"),
        ("iVBORw0K", "data:image/png;base64,iVBORw0K"),
        ("R0lGODlh", "data:image/gif;base64,R0lGODlh"),
        ("UklGRh", "data:image/webp;base64,UklGRh"),
        ("AAAA", "data:image/png;base64,AAAA"),
        ("data:image/png;base64,AAAA", "data:image/png;base64,AAAA"),
    ],
)
def test_a_picture_goes_beside_the_text_as_a_data_url_of_its_kind(image: str, url: str) -> None:
    [message] = openai_messages([{"role": "user", "content": "what?", "images": [image]}])

    assert message["content"] == [
        {"type": "text", "text": "what?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]


def test_a_call_gets_an_id_and_its_arguments_become_text() -> None:
    [message] = openai_messages([calls("weather")])

    [call] = message["tool_calls"]
    assert call["id"] == "call_1"
    assert call["type"] == "function"
    assert json.loads(call["function"]["arguments"]) == {"city": "Zürich"}


def test_results_answer_the_calls_of_their_name_whatever_the_order() -> None:
    said = [
        calls("weather", "time"),
        {"role": "tool", "tool_name": "time", "content": "noon"},
        {"role": "tool", "tool_name": "weather", "content": "rain"},
    ]

    _, time, weather = openai_messages(said)

    assert (time["tool_call_id"], weather["tool_call_id"]) == ("call_2", "call_1")


def test_results_without_a_name_answer_in_order_and_each_call_once() -> None:
    said = [calls("weather", "weather"), {"role": "tool", "content": "a"}, {"role": "tool", "content": "b"}]

    _, first, second = openai_messages(said)

    assert (first["tool_call_id"], second["tool_call_id"]) == ("call_1", "call_2")


def test_a_result_that_answers_no_call_is_passed_on_all_the_same() -> None:
    [result] = openai_messages([{"role": "tool", "tool_name": "x", "content": "a"}])

    assert result["tool_call_id"] == "call_1"
