"""What the worker tells the event loop about one order: each `Step`, each `Drawn` picture, `Finished`."""

from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, slots=True)
class Step:
    """`done` of `total` denoising steps of picture number `picture`, counted from 0."""

    picture: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Drawn:
    image: Image.Image
    seed: int


@dataclass(frozen=True, slots=True)
class Finished:
    prompt_tokens: int
    picture_tokens: int


ImageEvent = Step | Drawn | Finished
