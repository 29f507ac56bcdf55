"""Draw one order: pass after pass, picture after picture.

A pass that does not fit in memory is made again as two; a picture that does not fit alone is drawn once more
with the next cheaper memory strategy. Which pictures share a pass changes none of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before torch

# isort: split
import torch
from PIL import Image

from switchyard_image_server.images.classes import PipelineFacts
from switchyard_image_server.images.events import Drawn, ImageEvent, Preview, Step, Timings
from switchyard_image_server.images.materials import Materials
from switchyard_image_server.images.order import Order
from switchyard_image_server.images.passes import first_passes, halved
from switchyard_image_server.images.pipelines.call import arguments
from switchyard_image_server.images.pipelines.decoding import final_decode, preview_decode
from switchyard_image_server.images.pipelines.light import light_pipeline
from switchyard_image_server.images.pipelines.rows import row_by_row
from switchyard_image_server.images.pipelines.thrift import Starved, Thrift
from switchyard_image_server.images.pipelines.watch import Watch
from switchyard_image_server.worker import Ticket


@dataclass(frozen=True, slots=True)
class _Place:
    """A picture of the order: its number, and its seed."""

    number: int
    seed: int


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be drawn, of what, where and for whom. `device` is where it is computed, wherever the weights
    are: a pipeline that is asked for it looks through all of its modules.
    """

    order: Order
    facts: PipelineFacts
    materials: Materials
    device: str
    ticket: Ticket[ImageEvent]


class Drawing:
    """One order on its way. `base` is the loaded pipeline, of whatever class."""

    def __init__(self, base: Any, job: Job, thrift: Thrift, clock: Callable[[], float]) -> None:
        self._base = base
        self._job = job
        self._order = job.order
        self._ticket = job.ticket
        self._thrift = thrift
        self._clock = clock
        self._device = torch.device(job.device)
        self._prepare_s = self._denoise_s = self._decode_s = 0.0
        self._passes_done = self._passes = 0
        self._previewed: set[tuple[int, int]] = set()

    def draw(self) -> Timings:
        """Everything that was ordered; the pictures go out through the ticket. Raises `Starved`."""
        began_at = self._clock()
        places = [_Place(number, seed) for number, seed in enumerate(self._order.seeds)]
        todo = first_passes(places, together=self._order.way.together)
        while todo:
            shared = todo.pop(0)
            self._passes = self._passes_done + 1 + len(todo)
            try:
                attempt = self._thrift.attempt if len(shared) == 1 else self._thrift.attempt_once
                pipeline, images = attempt(partial(self._denoised, shared))
            except Starved:
                if len(shared) == 1:
                    raise
                todo[:0] = halved(shared)
                continue
            self._passes_done += 1
            self._finish(shared, pipeline, images)
        total = self._clock() - began_at
        return Timings(self._prepare_s, self._denoise_s, self._decode_s, total, self._passes_done)

    def _denoised(self, places: list[_Place]) -> tuple[Any, Any]:
        """One pass: the pipeline that made it, and latents where this server decodes, else pictures."""
        began_at = self._clock()
        order, job = self._order, self._job
        pipeline = light_pipeline(self._base, order.way.pipeline, order.schedule)
        watch = self._watch(pipeline, places)
        ours = final_decode(pipeline, order.size, order.layers) is not None
        said = arguments(pipeline, job.facts, order, job.materials, [place.seed for place in places])
        said |= watch.callbacks(pipeline) | {"output_type": "latent" if ours else "pil"}
        try:
            with (
                torch.inference_mode(),
                watch.over(pipeline),
                row_by_row(pipeline, len(places), self._ticket.check),
                self._noise_of(places),
            ):
                images = pipeline(**said).images
        except BaseException:
            pipeline.maybe_free_model_hooks()  # the pipeline does this only when it is let finish
            raise
        self._count(began_at, watch.began_at)
        return pipeline, images

    def _watch(self, pipeline: Any, places: list[_Place]) -> Watch:
        def told(done: int, total: int) -> None:
            self._ticket.send(Step(self._passes_done * total + done, self._passes * total))

        def show(row: int, index: int, image: Image.Image) -> None:
            preview = (places[row].number, index)
            if preview not in self._previewed:  # a pass that is made again makes the same ones
                self._previewed.add(preview)
                self._ticket.send(Preview(*preview, image))

        order = self._order
        decode = preview_decode(pipeline, order.size, order.layers) if order.previews else None
        return Watch(self._ticket.check, self._clock, told, show, decode, order.previews)

    def _count(self, began_at: float, drew_at: float | None) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)  # launches are ahead of what is computed
        ended_at = self._clock()
        drew_at = ended_at if drew_at is None else drew_at
        self._prepare_s += drew_at - began_at
        self._denoise_s += ended_at - drew_at

    @contextmanager
    def _noise_of(self, places: list[_Place]) -> Iterator[None]:
        """Some classes take noise from the process's own generator: seeded for them, and put back after it."""
        if self._order.way.together:
            yield
            return
        devices = [self._device] if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(places[0].seed)
            yield

    def _finish(self, places: list[_Place], pipeline: Any, images: Any) -> None:
        for row, place in enumerate(places):
            self._ticket.check()
            began_at = self._clock()
            shown = self._shown(pipeline, images, row)
            self._decode_s += self._clock() - began_at
            for layer, image in enumerate(shown):
                self._ticket.send(Drawn(image, place.seed, layer if self._order.layers is not None else None))

    def _shown(self, pipeline: Any, images: Any, row: int) -> list[Image.Image]:
        """One picture, or its layers. To decode again costs no step."""
        decode = final_decode(pipeline, self._order.size, self._order.layers)
        if decode is None:
            return images[row] if isinstance(images[row], list) else [images[row]]
        with torch.inference_mode():
            return self._thrift.attempt(partial(decode, pipeline, images[row : row + 1]))
