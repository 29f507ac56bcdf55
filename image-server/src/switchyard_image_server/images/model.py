"""An image pipeline that is loaded: the engine asks it to draw, to sleep and to wake, on the worker thread."""

import inspect
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers

# isort: split
from switchyard_image_server.device import Placement
from switchyard_image_server.errors import GpuOutOfMemory, InvalidValue, OutOfMemory, StartCode, StartFailure
from switchyard_image_server.images.classes import DEFAULTS_FILE, PipelineFacts, facts_of
from switchyard_image_server.images.events import Finished, ImageEvent, Timings
from switchyard_image_server.images.lora import Wardrobe
from switchyard_image_server.images.materials import materials_of
from switchyard_image_server.images.order import Order
from switchyard_image_server.images.pipelines.drawing import Drawing, Job
from switchyard_image_server.images.pipelines.look import look_at, tokenizers_of
from switchyard_image_server.images.pipelines.thrift import Starved, Thrift
from switchyard_image_server.memory.load_pipeline import load_pipeline
from switchyard_image_server.memory.report import MemoryReport
from switchyard_image_server.progress import Progress
from switchyard_image_server.settings import ModelSettings
from switchyard_image_server.worker import Ticket


class Lives(Protocol):
    """Where the weights are: `memory.apply.Residence`."""

    @property
    def report(self) -> MemoryReport: ...

    def step_down(self, why: str) -> str | None: ...

    def run_ended(self) -> None: ...

    def sleep(self) -> None: ...

    def wake(self) -> None: ...


class ImageModel:
    """A loaded pipeline. Its modules are shared by all requests; whatever changes during a call is not."""

    kind: Literal["image"] = "image"

    def __init__(
        self,
        pipeline: Any,
        facts: PipelineFacts,
        residence: Lives,
        wardrobe: Wardrobe,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pipeline = pipeline
        self.facts = facts
        self._residence = residence
        self._wardrobe = wardrobe
        self._clock = clock
        self._tokenizer = next(iter(tokenizers_of(pipeline)), None)
        added = [] if self._tokenizer is None else self._tokenizer.added_tokens_decoder.values()
        self._control = tuple(token.content for token in added if token.special)

    @classmethod
    def load(
        cls,
        settings: ModelSettings,
        placement: Placement,
        class_name: str,
        tell: Callable[[Progress], None] = lambda _: None,
    ) -> "ImageModel":
        pipeline, residence = load_pipeline(settings, placement, class_name, tell)
        if "prompt" not in inspect.signature(pipeline.__call__).parameters:
            raise StartFailure(
                StartCode.UNSUPPORTED_MODEL,
                f"cannot serve {settings.model}: {class_name} draws nothing from a prompt",
            )
        wardrobe = Wardrobe(settings.loras, settings.lora_root)
        facts = facts_of(look_at(pipeline), _own_defaults(settings.folder), settings, wardrobe.shelf)
        return cls(pipeline, facts, residence, wardrobe)

    @property
    def memory(self) -> MemoryReport:
        return self._residence.report

    def sleep(self) -> None:
        self._wardrobe.undress(self._pipeline)  # only the base is parked
        self._residence.sleep()

    def wake(self) -> None:
        self._residence.wake()

    def draw(self, order: Order, ticket: Ticket[ImageEvent]) -> None:
        began_at = self._clock()
        text_tokens = self._count(order.prompt, "prompt")
        if order.negative is not None:
            self._count(order.negative, "negative_prompt")
        ticket.check()
        materials = materials_of(order)
        thrift = Thrift(self._residence, getattr(self._pipeline, "vae", None))
        job = Job(order, self.facts, materials, self._residence.report.device, ticket)
        timings = self._drawn(job, thrift)
        if isinstance(timings, str):
            raise self._out_of_memory(order, timings, thrift.note)
        self._residence.run_ended()
        spent = self._clock() - began_at
        before = spent - timings.total_s  # the prompt counted, the pictures decoded, the LoRAs put on
        timings = replace(timings, prepare_s=timings.prepare_s + before, total_s=spent)
        ticket.send(Finished(text_tokens, order.image_tokens, order.picture_tokens, timings, thrift.note))

    def _drawn(self, job: Job, thrift: Thrift) -> Timings | str:
        """How long it took, or why there was not enough memory: in words, since a fault would hold tensors."""
        try:
            with ExitStack() as clothes:
                worn = partial(self._wardrobe.worn, self._pipeline, job.order.loras)
                thrift.attempt(lambda: clothes.enter_context(worn()))
                job.ticket.check()  # files may have taken their time
                return Drawing(self._pipeline, job, thrift, self._clock).draw()
        except Starved as starved:
            return starved.why

    def _count(self, prompt: str, param: str) -> int:
        """The prompt's tokens. What a pipeline would cut off, or take for an image's place, is refused."""
        control = next((token for token in self._control if token in prompt), None)
        if control is not None:
            raise InvalidValue(f"cannot draw a prompt that contains the control token {control}", param=param)
        if self._tokenizer is None:
            return 0
        tokens = len(self._tokenizer(prompt, add_special_tokens=False)["input_ids"])
        limit = self.facts.max_prompt_tokens
        if limit is not None and tokens > limit:
            raise InvalidValue(
                f"cannot draw a prompt of {tokens} tokens: the model reads {limit}; shorten it", param=param
            )
        return tokens

    def _out_of_memory(self, order: Order, why: str, note: str | None) -> OutOfMemory:
        report = self._residence.report
        on_gpu = report.device != "cpu"
        free = "" if report.device_free is None else f", {report.device_free // 2**20} MiB free"
        tried = f", and again after this: {note}" if note else ""
        less = "a smaller size" if not order.given.images else "a smaller size, or fewer or smaller images"
        kind = GpuOutOfMemory if on_gpu else OutOfMemory
        return kind(
            f"cannot draw {order.size} on {report.device} ({report.placing}{free}): {why}{tried}; ask for "
            f"{less}, or let the operator choose a cheaper --memory or --quantization"
        )


def _own_defaults(folder: Path | None) -> str | None:
    if folder is None or not (folder / DEFAULTS_FILE).is_file():
        return None
    return (folder / DEFAULTS_FILE).read_text(encoding="utf-8")
