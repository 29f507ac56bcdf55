"""What the worker tells the event loop about one order: each `Step`, each `Preview`, each `Drawn` picture, then
`Finished`.
"""

from dataclasses import dataclass, field

from PIL import Image


@dataclass(frozen=True, slots=True)
class Step:
    """`done` of `total` denoising steps, over all passes that the order takes."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What picture number `picture` looks like by now. `index` counts its previews from 0."""

    picture: int
    index: int
    image: Image.Image


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished picture. `layer` is its place among the layers of one picture, where there are any."""

    image: Image.Image
    seed: int
    layer: int | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds on the worker thread. `prepare` is everything before the first step: adapters, texts, images."""

    prepare_s: float = 0.0
    denoise_s: float = 0.0
    decode_s: float = 0.0
    total_s: float = 0.0
    passes: int = 1


@dataclass(frozen=True, slots=True)
class Finished:
    """`note` is for the reply's headers: which memory strategy was stepped down to, and why."""

    text_tokens: int
    image_tokens: int  # of the pictures that came with the request
    picture_tokens: int  # of the pictures that were drawn
    timings: Timings = field(default_factory=Timings)
    note: str | None = None


ImageEvent = Step | Preview | Drawn | Finished
