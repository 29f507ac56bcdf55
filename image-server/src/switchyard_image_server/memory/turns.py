"""The text encoder is on the device only while it encodes.

Hooks see to it, so that no pipeline need know: before the encoder runs it boards, before the denoiser runs the
encoder has left. In strict turns the denoiser leaves for the encoder, too. Leaving copies nothing; each comes
back at most once for a picture, however many prompts are encoded in a row.
"""

from collections.abc import Sequence
from typing import Any

from switchyard_image_server.memory.park import Berth


class Turns:
    """Modules with their places in host memory; `denoisers` only where they must leave, too.

    `before`: what runs only when all is encoded.
    """

    def __init__(
        self,
        encoders: Sequence[tuple[Any, Berth]],
        denoisers: Sequence[tuple[Any, Berth]],
        before: Sequence[Any],
    ) -> None:
        self._encoders = [berth for _, berth in encoders]
        self._denoisers = [berth for _, berth in denoisers]
        self._hooks = [
            *(hook for module, _ in encoders for hook in _before(module, self.encode)),
            *(hook for module in before for hook in _before(module, self.denoise)),
        ]
        self.denoise()

    def encode(self) -> None:
        self._change(away=self._denoisers, here=self._encoders)

    def denoise(self) -> None:
        self._change(away=self._encoders, here=self._denoisers)

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()

    @staticmethod
    def _change(away: Sequence[Berth], here: Sequence[Berth]) -> None:
        if all(berth.aboard for berth in here) and not any(berth.aboard for berth in away):
            return
        for berth in away:
            berth.leave()
        for berth in here:
            if not berth.aboard:
                berth.board()


def _before(module: Any, act: Any) -> list[Any]:
    """On the module and on its children: some pipelines call those past it."""

    def hook(*_: Any) -> None:
        act()

    inner = [child for child in module.children() if any(True for _ in child.parameters())]
    return [one.register_forward_pre_hook(hook, prepend=True) for one in (module, *inner)]
