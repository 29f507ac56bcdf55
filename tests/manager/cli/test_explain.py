"""`switchyard explain`."""

from switchyard_contracts.admin import Explanation
from tests.manager.cli.conftest import Served


def test_it_says_why_a_model_is_where_it_is(served: Served) -> None:
    done = served.run("explain", "gpt")

    assert done.code == 0
    assert done.out.startswith("chat is stopped")


def test_a_failure_is_explained_with_its_advice(served: Served) -> None:
    served.run("load", "broken")

    assert "free the card" in served.run("explain", "broken").out


def test_json_is_the_explanation_of_the_api(served: Served) -> None:
    explanation = Explanation.model_validate(served.run("explain", "chat", "--json").json)

    assert served.run("explain", "chat").out == "\n".join(explanation.sentences) + "\n"
