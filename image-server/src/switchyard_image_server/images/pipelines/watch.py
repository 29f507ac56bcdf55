"""Watch over one pass: tell its steps and previews, note when it began to draw, and leave it when nobody waits.

Leaving is by raising: an interrupted pipeline still decodes what it has. It is asked for before each text is
encoded, before each time the denoiser runs and after each step.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before torch

# isort: split
import torch

from switchyard_image_server.errors import is_out_of_memory
from switchyard_image_server.images.pipelines.decoding import Decode
from switchyard_image_server.images.previews import preview_steps

Show = Callable[[int, int, Any], None]
"""Row of the pass, number of the preview, picture."""


class Watch:
    """`told` hears of each step done, of how many; `show` of each preview."""

    def __init__(
        self,
        check: Callable[[], None],
        clock: Callable[[], float],
        told: Callable[[int, int], None],
        show: Show,
        decode: Decode | None,
        previews: int,
    ) -> None:
        self._check = check
        self._clock = clock
        self._told = told
        self._show = show
        self._decode = decode
        self._previews = previews
        self.began_at: float | None = None

    @contextmanager
    def over(self, pipeline: Any) -> Iterator[None]:
        handles = [
            module.register_forward_pre_hook(hook)
            for name, module in pipeline.components.items()
            if isinstance(module, torch.nn.Module) and (hook := self._hook_for(name)) is not None
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook_for(self, name: str) -> Callable[[Any, Any], None] | None:
        if name.startswith("text_encoder"):
            return lambda module, said: self._check()
        return self._before_denoising if name in {"transformer", "unet", "controlnet"} else None

    def _before_denoising(self, module: Any, said: Any) -> None:
        if self.began_at is None:
            self.began_at = self._clock()
        self._check()

    def callbacks(self, running: Any) -> dict[str, Any]:
        """For the pipeline's call. Older classes name theirs otherwise, and hand it the latents only."""
        understood = inspect.signature(running.__call__).parameters
        if "callback_on_step_end" in understood:
            return {"callback_on_step_end": self.after_step}
        if "callback" not in understood:
            return {}

        def after_step(step: int, timestep: Any, latents: Any) -> None:
            self.after_step(running, step, timestep, {"latents": latents})

        return {"callback": after_step}

    def after_step(self, running: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        """The pipeline's callback."""
        done, total = step + 1, getattr(running, "num_timesteps", 0) or len(running.scheduler.timesteps)
        self._told(done, total)
        self._check()
        if self._decode is not None and done in (looks := preview_steps(self._previews, total)):
            self._look(running, tensors["latents"], looks.index(done))
            self._check()
        return {}

    def _look(self, running: Any, latents: Any, number: int) -> None:
        """A preview that does not fit in memory is left out, and those after it: the picture matters more."""
        try:
            for row in range(len(latents)):
                for image in self._decode(running, latents[row : row + 1])[:1] if self._decode else ():
                    self._show(row, number, image)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self._previews = 0
