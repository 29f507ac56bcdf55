"""What a model must be able to do for each kind of request. Looks at what it is, never at whether it runs.

A model is held to its capabilities where somebody has thought of them. Where nobody has, its type must do, and
the engine says the rest: a foreign container, of which nothing is declared, may serve anything.
"""

from dataclasses import dataclass

from switchyard_contracts.catalog import Capability, ContainerArgs, Engine, ModelType
from switchyard_contracts.catalog.model import default_capabilities
from switchyard_contracts.status import ModelStatus

WORDS = frozenset({ModelType.TEXT, ModelType.VISION})
PICTURES = frozenset({ModelType.IMAGE})
UNDECLARED = {kind: default_capabilities(kind, ContainerArgs()) for kind in ModelType}


@dataclass(frozen=True, slots=True)
class Need:
    """One of these capabilities, if there are any here; of a model that declares none, one of these types."""

    capabilities: frozenset[Capability]
    types: frozenset[ModelType]

    def __call__(self, model: ModelStatus) -> bool:
        if not self.capabilities:
            return model.type in self.types
        if not self.capabilities.isdisjoint(model.capabilities):
            return True
        return model.type in self.types and _declares_nothing(model)


def _declares_nothing(model: ModelStatus) -> bool:
    said = model.capabilities
    if model.engine is Engine.CONTAINER or model.type is ModelType.IMAGE:
        # No flag tells whether an image model edits, too: what follows from its type is no declaration.
        return not said or said == UNDECLARED[model.type]
    return not said


def _need(types: frozenset[ModelType], *capabilities: Capability) -> Need:
    return Need(frozenset(capabilities), types)


CHAT = _need(WORDS, Capability.CHAT)  # in every dialect: messages and responses, too
COMPLETIONS = _need(WORDS, Capability.COMPLETIONS)
EMBEDDINGS = _need(WORDS, Capability.EMBEDDINGS)
RERANK = _need(WORDS, Capability.RERANK)  # and score
TOKENIZE = _need(WORDS)
IMAGES = _need(PICTURES, Capability.IMAGES)
IMAGE_EDITS = _need(PICTURES, Capability.IMAGE_EDITS)
SPEECH = _need(WORDS, Capability.SPEECH)
TRANSCRIPTIONS = _need(WORDS, Capability.TRANSCRIPTIONS)
ANY = _need(frozenset(ModelType))
