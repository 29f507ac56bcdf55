"""What an engine is told of the Hugging Face Hub: where the files are, and not to ask for them.

All that a model needs is there before its engine starts (`model_files`), so no engine asks the Hub itself: a
start takes no longer when the Hub is slow, and changes nothing that the operator did not ask for.
"""

from switchyard_contracts.catalog import Model
from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places

ASKS_NOBODY, TOKEN = "HF_HUB_OFFLINE", "HF_TOKEN"
OFFLINE = {ASKS_NOBODY: "1"}
NOT_SO = frozenset({"", "0", "false", "no", "off"})


def environment(places: Places) -> dict[str, str]:
    """Of an engine that runs as a process; where a container finds the files, `inside` says."""
    return {"HF_HOME": str(places.hf_cache), "HF_HUB_CACHE": str(places.hub)} | OFFLINE


def secrets(model: Model, places: Places) -> dict[str, str]:
    """For an engine whose entry lets it ask the Hub. The others need no token, and see none. Blocking."""
    if model.env.get(ASKS_NOBODY, "1").lower() not in NOT_SO:
        return {}
    found = token(model, places)
    return {TOKEN: found} if found else {}


def token(model: Model, places: Places) -> str:
    """Its own, else the manager's, else none. Blocking: the file is read each time, so that whoever writes a
    token into it need not restart anything."""
    if TOKEN in model.env:
        return model.env[TOKEN]
    if places.hf_token_file is None:
        return places.hf_token
    try:
        return places.hf_token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise EngineFailed.because(
            Reason.RUNTIME_UNAVAILABLE,
            f"cannot start {model.name}: cannot read the Hub's token from {places.hf_token_file} ({error})",
            "make the file readable for the manager, or remove SWITCHYARD_HF_TOKEN_FILE",
        ) from error
