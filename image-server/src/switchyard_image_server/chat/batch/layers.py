"""What one layer of the model remembers of all rows on a bench. Transformers calls `update…` in every pass.

Each row's tokens begin at place 0 and end at its own length; the mask hides what lies beyond. So rows of any
length sit side by side, a newcomer moves nobody, and whoever leaves gives its seat to the last.

A pass may fail in any layer. Until `commit`, nothing that a second try could trip over has changed: keys and
values are written behind the row's end, states into copies.
"""

from dataclasses import dataclass
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
import torch
from transformers.cache_utils import CacheLayerMixin, DynamicLayer, LinearAttentionLayer


@dataclass(slots=True)
class Turn:
    """Which rows the pass is for: `count` of them from `first` on. `places` and `lengths` are tensors where the
    model is: their numbers, and how long they are; `None` where all are as long as the longest.
    """

    first: int = 0
    count: int = 0
    longest: int = 0
    places: Any = None
    lengths: Any = None

    @property
    def rows(self) -> slice:
        return slice(self.first, self.first + self.count)


class Attended(CacheLayerMixin):  # type: ignore[misc]  # Transformers is untyped
    """Keys and values of full attention: rows x heads x room x size."""

    is_sliding = False
    keys: Any = None
    values: Any = None

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self._turn = turn
        self.is_initialized = True

    def lazy_initialization(self, key_states: Any, value_states: Any) -> None:
        raise AssertionError("a bench is made from prompts that were read")

    def get_seq_length(self) -> int:
        return self._turn.longest

    def get_max_length(self) -> int:
        return -1

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self._turn.longest + query_length, 0

    def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
        turn = self._turn
        kept = []
        for mine, new in ((self.keys, key_states), (self.values, value_states)):
            rows = mine if turn.count == mine.shape[0] else mine[turn.rows]
            if turn.lengths is None:
                rows.narrow(2, turn.longest, 1).copy_(new)  # an index would take twice as long, in each layer
            else:
                rows[turn.places.to(new.device), :, turn.lengths.to(new.device)] = new[:, :, 0]
            kept.append(rows.narrow(2, 0, turn.longest + 1))
        return kept[0], kept[1]

    def open(self) -> None:
        """Nothing to prepare."""

    def commit(self) -> None:
        """What was written is behind the row's end; the row grows, and has it."""

    def admit(self, source: Any, copies: int, room: int) -> None:
        self.keys, self.values = (
            _with_newcomers(self.keys, source.keys, copies, room),
            _with_newcomers(self.values, source.values, copies, room),
        )

    def dismiss(self, index: int) -> None:
        """Needs no memory: the last row moves up."""
        for name in ("keys", "values"):
            mine = getattr(self, name)
            mine[index] = mine[-1]
            setattr(self, name, mine[:-1])

    def resize(self, rows: int, room: int) -> None:
        for name in ("keys", "values"):
            mine = getattr(self, name)
            setattr(self, name, _resized(mine, rows, room, like=mine))


class Remembered(LinearAttentionLayer):  # type: ignore[misc]  # Transformers is untyped
    """The states of linear attention: rows x whatever the model keeps, of the same size for any length."""

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self._turn = turn
        self._kept: dict[str, Any] = {}
        self.has_previous_state[0] = True

    def update_recurrent_state(self, recurrent_states: Any, state_idx: int = 0, **_: Any) -> Any:
        self.recurrent_states[state_idx] = recurrent_states
        return recurrent_states

    def open(self) -> None:
        for name, kept in self._kept.items():
            # Convolutions write into what they are given; recurrences hand back something new.
            getattr(self, name)[0] = kept[self._turn.rows].clone() if "conv" in name else kept[self._turn.rows]

    def commit(self) -> None:
        for name, kept in self._kept.items():
            new = getattr(self, name)[0]
            if new.shape == kept.shape:
                self._kept[name] = new
            else:
                kept[self._turn.rows] = new
            getattr(self, name)[0] = None

    def admit(self, source: Any, copies: int, room: int) -> None:
        self.conv_kernel_size[0] = source.conv_kernel_size[0]
        self.is_conv_states_initialized[0] = source.is_conv_states_initialized[0]
        self.is_recurrent_states_initialized[0] = source.is_recurrent_states_initialized[0]
        kept = {}
        for name in ("conv_states", "recurrent_states"):
            new = getattr(source, name)[0]
            if new is not None:
                before = [self._kept[name]] if name in self._kept else []
                kept[name] = torch.cat((*before, *[new] * copies))
        self._kept = kept

    def dismiss(self, index: int) -> None:
        for name, kept in self._kept.items():
            kept[index] = kept[-1]
            self._kept[name] = kept[:-1]

    def resize(self, rows: int, room: int) -> None:
        self._kept = {name: kept.clone() for name, kept in self._kept.items()}


_JOINED: dict[type, type[Any]] = {DynamicLayer: Attended, LinearAttentionLayer: Remembered}


def can_join(cache: Any) -> bool:
    """Whether rows with such a cache can share a bench. Subclasses of what is known may well differ."""
    return all(
        type(layer) in _JOINED and getattr(layer, "number_of_states", 1) == 1 for layer in cache.layers
    ) and any(type(layer) is DynamicLayer for layer in cache.layers)


def layer_for(source: Any, turn: Turn) -> Any:
    return _JOINED[type(source)](turn)


def _with_newcomers(mine: Any, new: Any, copies: int, room: int) -> Any:
    before = 0 if mine is None else mine.shape[0]
    grown = _resized(mine, before + copies, room, like=new)
    grown[before:, :, : new.shape[2]] = new
    return grown


def _resized(tensor: Any, rows: int, room: int, *, like: Any) -> Any:
    """Zeros beyond: what the mask hides is still multiplied, by nothing, and nothing times NaN is NaN."""
    resized = like.new_zeros((rows, like.shape[1], room, like.shape[3]))
    if tensor is not None:
        seats, places = min(rows, tensor.shape[0]), min(room, tensor.shape[2])
        resized[:seats, :, :places] = tensor[:seats, :, :places]
    return resized
