"""What an engine is told of the Hugging Face Hub: where the files are, not to ask for them, the token.

All that a model needs is there before its engine starts (`model_files`), so no engine asks the Hub itself: a
start takes no longer when the Hub is slow, and changes nothing that the operator did not ask for.
"""

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places

OFFLINE = {"HF_HUB_OFFLINE": "1"}


def environment(places: Places) -> dict[str, str]:
    """Of an engine that runs as a process; where a container finds the files, `inside` says."""
    return {"HF_HOME": str(places.hf_cache), "HF_HUB_CACHE": str(places.hub)} | OFFLINE


def token(model: str, places: Places) -> dict[str, str]:
    """Blocking. The file is read for each start: whoever writes a token into it need not restart anything."""
    if places.hf_token_file is None:
        return {"HF_TOKEN": places.hf_token} if places.hf_token else {}
    try:
        said = places.hf_token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise EngineFailed.because(
            Reason.RUNTIME_UNAVAILABLE,
            f"cannot start {model}: cannot read the Hub's token from {places.hf_token_file} ({error})",
            "make the file readable for the manager, or remove SWITCHYARD_HF_TOKEN_FILE",
        ) from error
    return {"HF_TOKEN": said} if said else {}
