"""`unload`, `sleep`, `wake`, `pin`, `unpin`, `cancel`: one wish to the manager, and what came of it.

Each is idempotent: what is so already is no error. None waits; `status` and `events` tell how it goes on.
"""

from switchyard_contracts.admin import ModelChange
from switchyard_manager.cli.arguments import ModelName
from switchyard_manager.cli.asking import ask
from switchyard_manager.cli.printing import Json, say, say_json


def unload(model: ModelName, json_output: Json = False) -> None:
    """Take a model off its GPUs and out of RAM, once its running requests are done."""
    _wish(model, "unload", "is being unloaded", "was not loaded", json_output=json_output)


def sleep(model: ModelName, json_output: Json = False) -> None:
    """Move a model from its GPUs to RAM, once its running requests are done."""
    _wish(model, "sleep", "is going to sleep", "is asleep already", json_output=json_output)


def wake(model: ModelName, json_output: Json = False) -> None:
    """Bring back a model that is asleep."""
    _wish(model, "wake", "is being woken", "is awake already", json_output=json_output)


def pin(model: ModelName, json_output: Json = False) -> None:
    """Never move this model out for another, whatever models.json says of it."""
    _wish(model, "pin", "is pinned", "was pinned already", json_output=json_output)


def unpin(model: ModelName, json_output: Json = False) -> None:
    """Let this model be moved out for another again."""
    _wish(model, "unpin", "is no longer pinned", "was not pinned", json_output=json_output)


def cancel(model: ModelName, json_output: Json = False) -> None:
    """Break off a load or a download that is under way; whoever waits for it is told."""
    _wish(model, "cancel", "is no longer being loaded", "was not being loaded", json_output=json_output)


def _wish(model: str, verb: str, done: str, already: str, *, json_output: bool) -> None:
    change = ask(lambda manager: manager.wish(model, verb))
    if json_output:
        say_json(change)
    else:
        say(_sentence(change, done if change.changed else already))


def _sentence(change: ModelChange, what: str) -> str:
    status = change.status
    now = f" ({status.phase} now)" if status is not None else ""
    busy = f"; {status.in_flight} running requests finish first" if status and status.in_flight else ""
    return f"{change.model} {what}{now}{busy}"
