"""Load a language or vision model's weights. Knows nothing of Diffusers, whose import takes a second."""

from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

from switchyard_image_server.device import Placement
from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.memory.activations import need_of_language
from switchyard_image_server.memory.apply import Residence
from switchyard_image_server.memory.loader import Loader, Tell, read_weights
from switchyard_image_server.memory.sizes import read_folder
from switchyard_image_server.repository import fetch_language_model
from switchyard_image_server.settings import ModelSettings


def load_language_model(
    settings: ModelSettings, placement: Placement, *, sees: bool, tell: Tell = lambda _: None
) -> tuple[Any, Any, Residence]:
    """The model, its processor or tokenizer, and where its weights live."""
    folder = settings.folder or fetch_language_model(settings.model, settings.revision)
    reader = (AutoProcessor if sees else AutoTokenizer).from_pretrained(folder)
    kind = AutoModelForImageTextToText if sees else AutoModelForCausalLM
    weights = read_weights(settings, lambda: read_folder(folder, "model"))
    if weights is None:
        raise StartFailure(
            StartCode.MODEL_NOT_FOUND,
            f"cannot load {settings.model}: there are no weights in {folder}; fetch them again",
        )
    loader = Loader(settings, placement, [weights], need_of_language(), tell)
    model = loader.whole(kind, weights)
    loader.residence.open()
    return model, reader, loader.residence
