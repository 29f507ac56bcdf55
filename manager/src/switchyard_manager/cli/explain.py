"""`switchyard explain MODEL`: why it is where it is, and what would have to move for it to load."""

from switchyard_manager.cli.arguments import ModelName
from switchyard_manager.cli.asking import ask
from switchyard_manager.cli.printing import Json, say, say_json


def explain(model: ModelName, json_output: Json = False) -> None:
    """Say why a model is where it is, and what would have to move for it to load."""
    found = ask(lambda manager: manager.explanation(model))
    if json_output:
        say_json(found)
    else:
        say("\n".join(found.sentences))
