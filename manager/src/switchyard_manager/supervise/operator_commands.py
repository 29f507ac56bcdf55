"""What the operator asks for by hand. A load is a ticket like any other; the rest are wishes the plan reads."""

from itertools import count

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.events import EventKind
from switchyard_contracts.status import Phase
from switchyard_manager.lifecycle import COMING_UP
from switchyard_manager.scheduler import Wish
from switchyard_manager.scheduler.seen import AT_REST
from switchyard_manager.store.facts import PinSet
from switchyard_manager.supervise.commands import Answer, Command, Verb
from switchyard_manager.supervise.ground import Ground, not_found
from switchyard_manager.supervise.life import OPERATOR, Life
from switchyard_manager.supervise.recording import call_off

_numbers = count(1)


def obey(ground: Ground, command: Command, now: float) -> Answer:
    model = ground.catalog.find(command.model)
    if model is None:
        return Answer(command.model, error=not_found(command.model))
    answer = _obey(ground, ground.lives[model.name], command, now)
    if answer.changed:
        ground.chronicle.tell(EventKind.OPERATOR, now, model.name, command=command.verb)
    return answer


def _obey(ground: Ground, life: Life, command: Command, now: float) -> Answer:
    match command.verb:
        case Verb.LOAD:
            return _load(life, command, now)
        case Verb.WAKE:
            return _wake(life, command, now)
        case Verb.UNLOAD:
            return _unload(ground, life, now)
        case Verb.CANCEL:
            return _cancel(ground, life, now)
        case Verb.SLEEP:
            return _sleep(ground, life)
        case Verb.PULL:
            return _pull(ground, life)
        case Verb.PIN | Verb.UNPIN:
            return _pin(ground, life, pinned=command.verb is Verb.PIN)


def _load(life: Life, command: Command, now: float) -> Answer:
    name = life.model.name
    if life.phase is Phase.READY and life.wish is None and not life.faulted:
        return Answer(name)
    # By hand means: now, whatever its record.
    life.failures, life.troubles, life.retry_at = 0, 0, 0.0
    life.wish = None
    already = bool(life.tickets_of(OPERATOR))
    if not already:
        life.add_ticket(OPERATOR, f"load-{next(_numbers)}", command.priority, now)
    return Answer(name, changed=not already)


def _wake(life: Life, command: Command, now: float) -> Answer:
    if life.phase in {Phase.ASLEEP, Phase.SLEEPING, Phase.READY} | COMING_UP:
        return _load(life, command, now)
    return _impossible(life, "wake", "it is not asleep; load it")


def _unload(ground: Ground, life: Life, now: float) -> Answer:
    if life.phase in AT_REST and not life.tickets and life.fetching is None:
        return Answer(life.model.name)
    if life.phase in COMING_UP | AT_REST:
        return _cancel(ground, life, now)
    changed = life.wish is not Wish.UNLOAD and life.phase not in {Phase.STOPPING, Phase.STOP_FAILED}
    life.wish = Wish.UNLOAD
    life.drop_tickets(life.tickets_of(OPERATOR), now)
    return Answer(life.model.name, changed=changed)


def _pull(ground: Ground, life: Life) -> Answer:
    """By hand means: now, whatever its record."""
    if not ground.workshop.has_files(life.model):
        return _impossible(life, "pull", "its image holds its files, or fetches them itself")
    changed = not life.pulled
    life.pulled = True
    life.failures, life.troubles, life.retry_at = 0, 0, 0.0
    return Answer(life.model.name, changed=changed)


def _cancel(ground: Ground, life: Life, now: float) -> Answer:
    """Whoever waits for it is told, or the next pass would start it again for them."""
    pulled, life.pulled = life.pulled, False
    if life.fetching is not None:
        call_off(ground, life)
    if life.phase not in COMING_UP | AT_REST or (life.phase in AT_REST and not life.tickets):
        return Answer(life.model.name, changed=pulled or life.fetching is not None)
    message = f"cannot load {life.model.name}: the operator cancelled it"
    ground.refuse(life, ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, message), now)
    if life.phase in COMING_UP:
        life.wish = Wish.UNLOAD
    return Answer(life.model.name, changed=True)


def _sleep(ground: Ground, life: Life) -> Answer:
    if life.phase in {Phase.SLEEPING, Phase.ASLEEP}:
        return Answer(life.model.name)
    if not ground.workshop.can_sleep(life.model) or (life.run is not None and not life.run.can_sleep):
        return _impossible(life, "put to sleep", "its engine cannot sleep; unload it")
    if life.phase is not Phase.READY:
        return _impossible(life, "put to sleep", f"it is {life.phase}, and only a ready model can sleep")
    changed = life.wish is not Wish.SLEEP
    life.wish = Wish.SLEEP
    return Answer(life.model.name, changed=changed)


def _pin(ground: Ground, life: Life, *, pinned: bool) -> Answer:
    changed = life.pinned is not pinned
    life.pinned_by_hand = pinned
    if changed:
        ground.chronicle.keep(PinSet(life.model.name, pinned))
    return Answer(life.model.name, changed=changed)


def _impossible(life: Life, what: str, why: str) -> Answer:
    message = f"cannot {what} {life.model.name}: {why}"
    return Answer(life.model.name, error=ErrorBody.of(ErrorCode.NOT_POSSIBLE_NOW, message))
