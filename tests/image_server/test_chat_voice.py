from switchyard_image_server.chat.events import Piece
from switchyard_image_server.chat.habits import CallForm, Habits
from switchyard_image_server.chat.scribe import FinishReason
from switchyard_image_server.chat.tool_calls import Call
from switchyard_image_server.chat.tools import Choice, Insistence, Tool
from switchyard_image_server.chat.voice import Called, Said, Thought, Voice, Words

THINKS = Habits(thinks=True, reads_tools=True, calls=CallForm.JSON)
OFFER = Choice((Tool("f", "tools[0]"),), Insistence.AUTO)
CALL = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'


def told(voice: Voice, *texts: str) -> list[Said]:
    return [said for text in texts for said in voice.add(Piece(text, tokens=1))] + voice.rest()


def test_tells_thoughts_words_and_calls_apart() -> None:
    voice = Voice(THINKS, OFFER, thinking=False)

    said = told(voice, "<think>", "hm", "</think>", "Well. ", CALL, CALL)

    assert said == [Thought("hm"), Words("Well."), Called(0, Call("f", "{}")), Called(1, Call("f", "{}"))]
    assert voice.reason(FinishReason.STOP) == "tool_calls"


def test_an_answer_that_was_cut_off_says_so_even_with_calls() -> None:
    voice = Voice(THINKS, OFFER, thinking=False)
    told(voice, CALL)

    assert voice.reason(FinishReason.LENGTH) == "length"


def test_where_no_tools_are_offered_a_call_is_text() -> None:
    voice = Voice(THINKS, Choice(), thinking=False)

    assert told(voice, CALL) == [Words(CALL)]
    assert voice.reason(FinishReason.STOP) == "stop"


def test_counts_the_tokens_of_thoughts_with_their_marks() -> None:
    opened = Voice(THINKS, OFFER, thinking=True)
    told(opened, "a", "b", "</think>", "c", "d")
    opens = Voice(THINKS, OFFER, thinking=False)
    told(opens, "<think>", "a", "</think>", "c")

    assert (opened.thought_tokens, opens.thought_tokens) == (3, 3)


def test_thoughts_that_never_end_are_thoughts() -> None:
    voice = Voice(THINKS, OFFER, thinking=True)

    assert told(voice, f"I could {CALL[:5]}") == [Thought("I could"), Thought(" <tool")]
