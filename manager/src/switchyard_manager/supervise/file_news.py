"""What is heard of models' files, as it changes the world. News of a download that is over changes nothing."""

import logging

from switchyard_contracts.catalog import Model
from switchyard_contracts.errors import ErrorBody, ErrorCode, Reason
from switchyard_contracts.events import EventKind
from switchyard_contracts.status import Failure, FilesAt
from switchyard_manager.engines.reasons import ENVIRONMENT, LASTING
from switchyard_manager.scheduler.backoff import next_try, next_try_in_this_environment
from switchyard_manager.scheduler.files import STALLED_S
from switchyard_manager.scheduler.seen import AT_REST, Files
from switchyard_manager.supervise import news as news_of
from switchyard_manager.supervise import wording
from switchyard_manager.supervise.commands import Removal, Removed
from switchyard_manager.supervise.ground import Ground, not_found
from switchyard_manager.supervise.life import Life
from switchyard_manager.supervise.work import RemoveFiles

log = logging.getLogger(__name__)


def hear(ground: Ground, news: news_of.FileNews, now: float) -> None:
    match news:
        case news_of.AskedToRemove():
            _asked_to_remove(ground, news)
        case news_of.FilesRemoved(models=models):
            for name in models:
                if name in ground.lives:
                    ground.look_for_files(ground.lives[name])
        case news_of.FilesSeen() | news_of.FilesProgress() | news_of.FetchOver():
            life = ground.lives.get(news.model)
            if life is not None:
                _heard_of_one(ground, life, news, now)


def catalog_changed(ground: Ground, life: Life, model: Model) -> None:
    """Called before the entry is replaced. What is fetched for the old one may be of no use to the new one."""
    needs_of = ground.workshop.needs_of
    before, life.model = life.model, model
    if (needs_of(before), before.path) == (needs_of(model), model.path):
        return
    life.pulled = False
    if life.fetching is not None:
        life.fetching.moot = True
    ground.look_for_files(life)


def _heard_of_one(
    ground: Ground, life: Life, news: news_of.FilesSeen | news_of.FilesProgress | news_of.FetchOver, now: float
) -> None:
    match news:
        case news_of.FilesSeen(look=look, here=here):
            if look == life.look:
                life.files = Files.HERE if here else Files.ABSENT
                if here:
                    ground.read_processor(life)
        case news_of.FilesProgress(number=number):
            if life.fetching is not None and life.fetching.number == number:
                _progressed(ground, life, news, now)
        case news_of.FetchOver(number=number, failure=failure):
            if life.fetching is not None and life.fetching.number == number:
                _over(ground, life, failure, now)


def _progressed(ground: Ground, life: Life, news: news_of.FilesProgress, now: float) -> None:
    going = life.fetching
    if going is None or going.called_off:
        return
    going.told_at = now
    going.done_bytes, going.total_bytes = news.done_bytes, news.total_bytes
    if news.text == going.text:
        return
    going.text = news.text
    ground.chronicle.tell(EventKind.PROGRESS, now, life.model.name, text=going.text)
    ground.proxies.say_loading(life, now)


def _over(ground: Ground, life: Life, failure: Failure | None, now: float) -> None:
    going, life.fetching = life.fetching, None
    if going is None:
        return
    life.unwanted_since = None
    if failure is None and not going.moot:
        _all_is_here(ground, life, now)
    elif going.stalled and not going.moot:
        text = f"cannot download {life.model.name}: nothing came for {STALLED_S:.0f} s"
        _failed(ground, life, wording.failure(Reason.HUB_UNREACHABLE, text), now)
    elif failure is None or going.called_off or going.moot:
        _tell(ground, life, now, "the download was called off; what has come is kept")
    else:
        _failed(ground, life, failure, now)
    if going.moot:
        ground.look_for_files(life)
    else:
        life.pulled = False


def _all_is_here(ground: Ground, life: Life, now: float) -> None:
    log.info("all files of %s are here", life.model.name)
    life.files = Files.HERE
    if life.phase in AT_REST:
        life.failure, life.troubles = None, 0
    ground.read_processor(life)
    _tell(ground, life, now, None)


def _failed(ground: Ground, life: Life, failure: Failure, now: float) -> None:
    log.warning("%s", failure.sentence())
    _tell(ground, life, now, failure.sentence())
    if life.files is Files.HERE:
        return  # there may be newer ones; these do
    life.failure = failure
    if failure.reason in ENVIRONMENT:
        life.troubles += 1
        life.retry_at = now + next_try_in_this_environment(life.troubles)
    else:
        life.failures += 1
        life.retry_at = now + next_try(life.failures, was_proved=False, lasts=failure.reason in LASTING)
    ground.chronicle.tell(
        EventKind.FAILURE,
        now,
        life.model.name,
        reason=failure.reason,
        message=failure.message,
        retry_in_s=round(life.retry_at - now, 1),
    )
    ground.refuse_for_failure(life, now)


def _tell(ground: Ground, life: Life, now: float, message: str | None) -> None:
    ground.chronicle.tell(EventKind.FILES, now, life.model.name, at=FilesAt(life.files), message=message)


# What is to be removed


def _asked_to_remove(ground: Ground, news: news_of.AskedToRemove) -> None:
    """Recorded at once: no engine starts on files that are about to go."""
    removal = _removal(ground, news.name)
    if isinstance(removal, ErrorBody):
        news.answer(Removed(error=removal))
        return
    for name in removal.models:
        life = ground.lives[name]
        life.look += 1
        life.files = Files.UNKNOWN
    ground.due.append(RemoveFiles(removal, news.answer))


def _removal(ground: Ground, said: str) -> Removal | ErrorBody:
    model = ground.catalog.find(said)
    repos = {said} if model is None else _repos(ground, model)
    if model is None and "/" not in said:
        return not_found(said)
    users = {name: _repos(ground, life.model) for name, life in ground.lives.items()}
    shared = {name for name in users if model is not None and name != model.name and repos & users[name]}
    if shared:
        keep = " and ".join(sorted(shared))
        what = f"cannot remove the files of {said}: {keep} needs them, too"
        advice = f"name the repository to remove it all the same ({', '.join(sorted(repos))})"
        return ErrorBody.of(ErrorCode.NOT_POSSIBLE_NOW, f"{what}; {advice}")
    if not repos:
        what = (
            f"cannot remove the files of {said}: they are no download of ours, but a folder; remove it by hand"
        )
        return ErrorBody.of(ErrorCode.NOT_POSSIBLE_NOW, what)
    models = tuple(name for name in users if repos & users[name])
    for name in models:
        life = ground.lives[name]
        if life.phase not in AT_REST or life.fetching is not None:
            is_so = "being downloaded; cancel it" if life.fetching is not None else f"{life.phase}; unload it"
            what = f"cannot remove the files of {said}: {name} is {is_so} first"
            return ErrorBody.of(ErrorCode.NOT_POSSIBLE_NOW, what)
    return Removal(tuple(sorted(repos)), models)


def _repos(ground: Ground, model: Model) -> set[str]:
    return {need.repo for need in ground.workshop.needs_of(model)}
