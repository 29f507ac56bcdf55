"""What a model says that it can do."""

from typing import Any

from switchyard_image_server.abilities import abilities_of
from tests.image_server.stand_ins import Painter, Seer, Talker

THINKS_AND_CALLS = (
    "{% if tools %}{{ '<tool_call>' }}{% endif %}"
    "{% if enable_thinking is false %}{{ '<think></think>' }}{% endif %}"
)


def test_a_language_model_sees_nothing() -> None:
    can: dict[str, Any] = abilities_of(Talker())  # type: ignore[arg-type]

    assert (can["images"], can["videos"], can["tools"], can["thinking"]) == (False, False, False, False)
    assert (can["context"], can["concurrent_answers"]) == (100, 1)


def test_what_a_template_reads_a_model_can_do() -> None:
    model = Seer()
    model.template = THINKS_AND_CALLS

    can: dict[str, Any] = abilities_of(model)  # type: ignore[arg-type]

    assert (can["images"], can["videos"]) == (True, True)
    assert (can["tools"], can["thinking"], can["thinking_can_be_switched_off"]) == (True, True, True)


def test_an_image_model_tells_its_facts() -> None:
    assert abilities_of(Painter()) == Painter.facts.told()  # type: ignore[arg-type]
