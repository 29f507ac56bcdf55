"""What an engine needs to fetch weights from the Hugging Face Hub: the token, the cache, whether it may ask."""

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places


def environment(places: Places) -> dict[str, str]:
    """Of an engine that runs as a process; where a container keeps its cache, `inside` says."""
    env = {} if places.hf_cache is None else {"HF_HOME": str(places.hf_cache)}
    return env | offline(places)


def offline(places: Places) -> dict[str, str]:
    return {"HF_HUB_OFFLINE": "1"} if places.hf_offline else {}


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
