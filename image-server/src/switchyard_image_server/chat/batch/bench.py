"""Rows side by side in one cache. They join and leave between passes; a pass is for all of them, or for one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
import torch
from transformers import Cache

from switchyard_image_server.chat.batch.layers import Turn, layer_for
from switchyard_image_server.chat.batch.passes import Passes, Prompt
from switchyard_image_server.chat.batch.sharing import may_share, room_for
from switchyard_image_server.errors import is_out_of_memory

_ENTERED = count()


@dataclass(slots=True, eq=False)
class Row:
    """One choice in the making. `length` tokens of it are remembered; `token` is read next, at `position`."""

    length: int
    position: int
    token: int = 0
    entered: int = field(default_factory=_ENTERED.__next__)


class Seating(Protocol):
    """Where rows are between passes."""

    @property
    def rows(self) -> Sequence[Row]: ...

    def takes(self, prompt: Prompt, copies: int) -> bool: ...

    def admit(self, prompt: Prompt, copies: int) -> list[Row]: ...

    def dismiss(self, row: Row) -> None: ...

    def make_room(self) -> None: ...

    def step(self, passes: Passes, rows: Sequence[Row]) -> Any:
        """Logits for these rows: all that are here in their order, or a single one."""
        ...


class Bench:
    """For any number of rows, or, with `private`, for those that came first."""

    def __init__(self, prompt: Prompt, *, private: bool = False) -> None:
        self.rows: list[Row] = []
        self._private = private
        self._turn = Turn()
        self._layers = [layer_for(source, self._turn) for source in prompt.cache.layers]
        self._cache = Cache(layers=self._layers)
        self._room = 0
        self._vacant = False  # seats that somebody left still take memory

    def takes(self, prompt: Prompt, copies: int) -> bool:
        lengths = [row.length for row in self.rows] + [prompt.length] * (copies - 1)
        return not (self._private and self.rows) and may_share(lengths, prompt.length)

    def admit(self, prompt: Prompt, copies: int) -> list[Row]:
        """All layers take the newcomers in, or none does."""
        room = max(self._room, room_for(prompt.length))
        done: list[Any] = []
        try:
            for layer, source in zip(self._layers, prompt.cache.layers, strict=True):
                layer.admit(source, copies, room)
                done.append(layer)
        except BaseException:
            for layer in done:
                for _ in range(copies):
                    layer.dismiss(-1)
            raise
        self._room = room
        newcomers = [Row(prompt.length, prompt.position) for _ in range(copies)]
        self.rows.extend(newcomers)
        return newcomers

    def dismiss(self, row: Row) -> None:
        index = self.rows.index(row)
        for layer in self._layers:
            layer.dismiss(index)
        self.rows[index] = self.rows[-1]
        self.rows.pop()
        self._vacant = True

    def make_room(self) -> None:
        """For one more token in each row. What somebody left behind is given back."""
        longest = max(row.length for row in self.rows)
        if longest >= self._room:
            self._resize(room_for(longest))
            self._room = room_for(longest)
        elif self._vacant:
            self._vacant = False
            self._room = min(self._room, room_for(longest))
            self._try_to_shrink()

    def _try_to_shrink(self) -> None:
        """Takes memory before it gives some back. Not worth failing for."""
        try:
            self._resize(self._room)
        except Exception as error:
            if not is_out_of_memory(error):
                raise

    def _resize(self, room: int) -> None:
        for layer in self._layers:
            layer.resize(len(self.rows), room)

    def step(self, passes: Passes, rows: Sequence[Row]) -> Any:
        lengths = [row.length for row in rows]
        turn, mask = self._turn, None
        turn.first, turn.count, turn.longest = self.rows.index(rows[0]), len(rows), max(lengths)
        turn.places = turn.lengths = None
        if min(lengths) < turn.longest:
            turn.places = torch.arange(len(rows), device=passes.device)
            turn.lengths = torch.tensor(lengths, device=passes.device)
            mask = _mask(turn.lengths, turn.longest)
        for layer in self._layers:
            layer.open()
        logits = passes.step([row.token for row in rows], [row.position for row in rows], mask, self._cache)
        for layer in self._layers:
            layer.commit()
        return logits


class Stool:
    """For one row of a model whose cache is not understood well enough to join it with others."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._cache: Any = None

    def takes(self, prompt: Prompt, copies: int) -> bool:
        return not self.rows

    def admit(self, prompt: Prompt, copies: int) -> list[Row]:
        self._cache = prompt.cache
        self.rows.append(Row(prompt.length, prompt.position))
        return list(self.rows)

    def dismiss(self, row: Row) -> None:
        self.rows.clear()
        self._cache = None

    def make_room(self) -> None:
        """The cache makes its own."""

    def step(self, passes: Passes, rows: Sequence[Row]) -> Any:
        return passes.step([rows[0].token], [rows[0].position], None, self._cache)


def _mask(lengths: Any, longest: int) -> Any:
    """What each row may look at: its own tokens and the new one."""
    places = torch.arange(longest + 1, device=lengths.device)
    return (places[None] <= lengths[:, None]).long()
