"""Drive one pair of models through switches of one mode, and put together what each was made of."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from bench.switch.asking import Asked, Question, ask
from bench.switch.beside import Alone
from bench.switch.product import PAUSE, Product
from bench.switch.split import Mode, Moments, Part, Switch, parts

from switchyard_contracts.catalog import Model

# A model that was just used is left alone for a while, by what it costs to bring it back. That is policy, not
# overhead: a switch that is measured begins when it is over.
LINGER_SHARE, LINGER_S, SLACK_S = 0.25, 10.0, 1.2
BUSY_FOR_S = 0.3  # before the other model is asked for


class Program(Protocol):
    """An engine as it was started, to be started once more beside the manager."""

    def alone(self, model: Model, question: Question, naps: int) -> Alone: ...


class Witness(Protocol):
    """What an engine itself shows of its beginning and its end."""

    def up(self, model: str, since: float, until: float) -> tuple[float, float]:
        """When its program began, between the two, and when its own log said that it takes requests."""
        ...

    def ended(self, model: str, told: float, until: float) -> tuple[float, float]:
        """From when to when it was ending."""
        ...

    def program(self) -> Program:
        """Of the engine that was started last."""
        ...


@dataclass(frozen=True, slots=True)
class Rival:
    """One of the models that take turns."""

    name: str
    question: Question
    long: Question | None = None  # keeps it busy for a second or two


@dataclass(slots=True)
class Scene:
    product: Product
    witness: Witness
    mode: Mode
    longest_start_s: float = 1.0
    loaded: Rival | None = None

    @property
    def loaded_name(self) -> str:
        return self.loaded.name if self.loaded else ""

    def bring_up(self, rival: Rival) -> None:
        self._settle()
        asked = ask(self.product.proxy, rival.question, rival.name)
        self.longest_start_s = max(self.longest_start_s, asked.first - asked.asked)
        self.loaded = rival

    def switch(self, to: Rival, *, busy: bool = False) -> Switch:
        """`own` lacks what only an engine alone can tell; see `completed`."""
        leaves = self.loaded
        assert leaves is not None
        self._settle()
        if self.mode is Mode.COLD:
            since = self.product.heard.events[-1]["at"]
            self.product.order(leaves.name, "unload")
            self.product.heard.moved(leaves.name, "stopped", since)
            PAUSE.wait(SLACK_S)  # what Docker clears up after a container is no part of a start from nothing
            asked = ask(self.product.proxy, to.question, to.name)
            moments, ended = self._moments(to, None, asked), None
        elif busy:
            asked, ended = self._while_busy(leaves, to)
            moments = self._moments(to, leaves, asked)
        else:
            asked, ended = ask(self.product.proxy, to.question, to.name), None
            moments = self._moments(to, leaves, asked)
        self.loaded = to
        return Switch(parts(moments), dict(self._own(moments, to, leaves, ended)))

    def _settle(self) -> None:
        PAUSE.wait(SLACK_S + min(LINGER_S, LINGER_SHARE * self.longest_start_s))

    def _while_busy(self, leaves: Rival, to: Rival) -> tuple[Asked, float]:
        assert leaves.long is not None
        found: list[Asked] = []
        keeps = threading.Thread(
            target=lambda: found.append(ask(self.product.proxy, leaves.long, leaves.name))  # type: ignore[arg-type]
        )
        keeps.start()
        PAUSE.wait(BUSY_FOR_S)
        asked = ask(self.product.proxy, to.question, to.name)
        keeps.join()
        return asked, found[0].ended

    def _moments(self, to: Rival, leaves: Rival | None, asked: Asked) -> Moments:
        heard, wakes = self.product.heard, self.mode is Mode.SLEEP

        def came(rival: Rival | None, phase: str) -> float | None:
            return None if rival is None else heard.moved(rival.name, phase, asked.asked)

        def must(rival: Rival, phase: str) -> float:
            return heard.moved(rival.name, phase, asked.asked)

        return Moments(
            asked=asked.asked,
            draining=came(leaves, "draining"),
            leaving=came(leaves, "sleeping" if wakes else "stopping"),
            left=came(leaves, "asleep" if wakes else "stopped"),
            rising=must(to, "waking" if wakes else "starting"),
            launched=None if wakes else must(to, "loading"),
            answering=must(to, "warming"),
            ready=must(to, "ready"),
            first=asked.first,
        )

    def _own(
        self, moments: Moments, to: Rival, leaves: Rival, ended: float | None
    ) -> Iterator[tuple[Part, float]]:
        if ended is not None and moments.draining is not None:
            # Until the manager moves, the one that is busy keeps its turn: policy, and nobody's overhead.
            yield Part.TURN, moments.draining - moments.asked
            yield Part.DRAIN, max(0.0, ended - moments.draining)
        if moments.launched is not None:
            began, up = self.witness.up(to.name, moments.rising, moments.answering)
            yield Part.RISE, overlap((moments.rising, moments.launched), (began, up))
            yield Part.READY, overlap((moments.launched, moments.answering), (began, up))
            if moments.leaving is not None and moments.left is not None:
                told, gone = self.witness.ended(leaves.name, moments.leaving, moments.left)
                yield Part.FREE, overlap((moments.leaving, moments.left), (told, gone))


def overlap(part: tuple[float, float], own: tuple[float, float]) -> float:
    return max(0.0, min(part[1], own[1]) - max(part[0], own[0]))


def completed(switch: Switch, alone: Mapping[Part, float]) -> Switch:
    return Switch(switch.took, {**alone, **switch.own})
