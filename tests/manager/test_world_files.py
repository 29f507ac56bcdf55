"""A model's files are fetched before anything is done for its engine; what is recorded, and who is told."""

from typing import Any

import pytest

from switchyard_contracts.catalog import Capability, Catalog
from switchyard_contracts.errors import ErrorCode, Reason
from switchyard_contracts.grants import Hello, Unwant
from switchyard_contracts.serving import Vision
from switchyard_contracts.status import Failure, FilesAt, ModelStatus, Phase
from switchyard_manager.model_files.needs import needs_of
from switchyard_manager.supervise.commands import Answer, Command, Removed, Verb
from switchyard_manager.supervise.news import (
    Asked,
    AskedToRemove,
    CatalogRead,
    EngineGone,
    FetchOver,
    FilesProgress,
    FilesRemoved,
    FilesSeen,
    ProcessorRead,
    ProxyCame,
    ProxySaid,
)
from switchyard_manager.supervise.work import (
    BringUp,
    CallOffFetch,
    FetchFiles,
    LookForFiles,
    ReadProcessor,
    RemoveFiles,
    Work,
)
from switchyard_manager.supervise.world import World
from tests.manager.conftest import WritesDown, catalog_of, want, workshop_of, world_of

AWAY = Failure(reason=Reason.HUB_UNREACHABLE, message="cannot download m: the Hub is away", advice="wait")
GATED = Failure(reason=Reason.GATED_REPO, message="cannot download m: it is gated", advice="accept")


def of_repos(*names: str, **said: Any) -> Catalog:
    return catalog_of(**{name: {"path": None, "repo": f"org/{name}", **said} for name in names})


def world_with(catalog: Catalog, session: WritesDown, *, here: bool = False) -> World:
    """What its models need has been looked for."""
    workshop = workshop_of()
    workshop.has_files, workshop.needs_of = lambda _: True, needs_of
    world = world_of(catalog, workshop=workshop)
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    for work in world.decide(0):
        if isinstance(work, LookForFiles):
            world.hear(FilesSeen(work.model.name, work.look, here), 0)
    return world


def status(world: World, model: str = "m", now: float = 0) -> ModelStatus:
    return next(one for one in world.statuses(now) if one.name == model)


def only(kind: type[Any], works: tuple[Work, ...]) -> Any:
    (found,) = [work for work in works if isinstance(work, kind)]
    return found


def ask(world: World, verb: Verb, now: float = 0, model: str = "m") -> Answer:
    answers: list[Answer] = []
    world.hear(Asked(Command(verb, model), answers.append), now)
    return answers[0]


@pytest.fixture
def absent(session: WritesDown) -> World:
    return world_with(of_repos("m"), session)


def test_nobody_knows_where_the_files_are_until_it_was_looked_for_them(session: WritesDown) -> None:
    workshop = workshop_of()
    workshop.has_files = lambda _: True
    world = world_of(of_repos("m"), workshop=workshop)
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    want(world, session)

    looked = only(LookForFiles, world.decide(0))

    assert status(world).files is not None
    assert world.decide(1) == ()
    world.hear(FilesSeen("m", looked.look, here=True), 1)
    assert only(BringUp, world.decide(1))


def test_a_request_has_the_files_fetched_and_the_engine_started_after_them(
    absent: World, session: WritesDown
) -> None:
    want(absent, session)

    fetch = only(FetchFiles, absent.decide(0))

    assert absent.decide(1) == ()
    assert status(absent).phase is Phase.STOPPED
    assert status(absent).waiting == 1
    absent.hear(FetchOver("m", fetch.number), 2)
    assert only(BringUp, absent.decide(2))


def test_who_waits_hears_how_far_it_is_while_the_model_is_stopped(absent: World, session: WritesDown) -> None:
    want(absent, session)
    fetch = only(FetchFiles, absent.decide(0))

    absent.hear(FilesProgress("m", fetch.number, "downloading 3.1 of 8.2 GB, 38 %", 31, 82), 5)

    loading = session.of_kind("loading")[-1]
    assert (loading.phase, loading.elapsed_s) == (Phase.STOPPED, 5)
    assert loading.progress == "downloading 3.1 of 8.2 GB, 38 %"
    shown = status(absent, now=5)
    assert shown.progress == loading.progress
    assert shown.files is not None
    assert (shown.files.at, shown.files.done_bytes, shown.files.total_bytes) == (FilesAt.FETCHING, 31, 82)


def test_bytes_alone_are_no_news_to_every_proxy(absent: World, session: WritesDown) -> None:
    want(absent, session)
    fetch = only(FetchFiles, absent.decide(0))
    absent.hear(FilesProgress("m", fetch.number, "downloading", 31, 82), 5)
    absent.decide(5)
    told = len(session.of_kind("models"))

    absent.hear(FilesProgress("m", fetch.number, "downloading", 32, 82), 6)
    absent.decide(6)

    assert len(session.of_kind("models")) == told


def test_while_one_is_fetched_the_others_are_left_alone(session: WritesDown) -> None:
    world = world_with(of_repos("m", "n"), session, here=True)
    want(world, session, model="n")
    running = only(BringUp, world.decide(0))
    world.hear(FilesRemoved(("m",)), 1)
    looked = only(LookForFiles, world.decide(1))
    world.hear(FilesSeen("m", looked.look, here=False), 1)

    want(world, session, "t2", model="m")

    assert [type(work) for work in world.decide(2)] == [FetchFiles]
    assert world.decide(500) == ()
    assert status(world, "n").phase is Phase.STARTING
    assert running.errand.model.name == "n"


def test_a_failure_of_the_hub_is_told_and_tried_again_soon(absent: World, session: WritesDown) -> None:
    want(absent, session)
    fetch = only(FetchFiles, absent.decide(0))

    absent.hear(FetchOver("m", fetch.number, AWAY), 10)

    (refused,) = session.of_kind("refused")
    assert refused.error.code is ErrorCode.MODEL_LOAD_FAILED
    assert "the Hub is away" in refused.error.message
    assert status(absent, now=10).retry_in_s == 5
    want(absent, session, "again", now=16)
    assert only(FetchFiles, absent.decide(16))


def test_a_gated_repository_is_not_asked_for_in_a_loop(absent: World, session: WritesDown) -> None:
    want(absent, session)
    absent.hear(FetchOver("m", only(FetchFiles, absent.decide(0)).number, GATED), 10)

    want(absent, session, "again", now=70)

    assert absent.decide(70) == ()
    assert len(session.of_kind("refused")) == 2
    ask(absent, Verb.PULL, 71)
    assert only(FetchFiles, absent.decide(71))


def test_a_download_goes_on_when_nobody_waits_any_more(absent: World, session: WritesDown) -> None:
    want(absent, session)
    absent.decide(0)

    absent.hear(ProxySaid(session, Unwant(model="m", ticket="t")), 1)

    assert absent.decide(500) == ()
    files = status(absent).files
    assert files is not None
    assert files.at is FilesAt.FETCHING


def test_it_gives_way_to_one_that_somebody_waits_for(session: WritesDown) -> None:
    world = world_with(of_repos("m", "n", "o"), session)
    for number, model in enumerate(("m", "n")):
        want(world, session, f"t{number}", model=model)
    works = world.decide(0)
    numbers = {work.model.name: work.number for work in works if isinstance(work, FetchFiles)}
    world.hear(ProxySaid(session, Unwant(model="m", ticket="t0")), 1)

    want(world, session, "t2", now=2, model="o")

    assert world.decide(2) == ()
    called_off = only(CallOffFetch, world.decide(60))
    assert called_off.number == numbers["m"]
    assert world.decide(61) == ()
    world.hear(FetchOver("m", numbers["m"], AWAY), 62)
    assert only(FetchFiles, world.decide(62)).model.name == "o"
    assert status(world).failure is None


def test_one_that_the_operator_asked_for_gives_way_to_nobody(session: WritesDown) -> None:
    world = world_with(of_repos("m", "n", "o"), session)
    ask(world, Verb.PULL)
    ask(world, Verb.PULL, model="n")
    world.decide(0)

    want(world, session, model="o")

    assert world.decide(500) == ()


def test_who_cancels_ends_the_download_and_those_who_wait_are_told(absent: World, session: WritesDown) -> None:
    want(absent, session)
    fetch = only(FetchFiles, absent.decide(0))

    answer = ask(absent, Verb.CANCEL, 1)

    assert answer.changed
    assert only(CallOffFetch, absent.decide(1)).number == fetch.number
    assert len(session.of_kind("refused")) == 1
    absent.hear(FetchOver("m", fetch.number, AWAY), 2)
    assert absent.decide(2) == ()
    assert status(absent).failure is None


def test_a_pull_of_what_is_here_asks_for_what_is_new_and_starts_are_not_held_up(session: WritesDown) -> None:
    world = world_with(of_repos("m"), session, here=True)

    assert ask(world, Verb.PULL).changed

    fetch = only(FetchFiles, world.decide(0))
    assert fetch.refresh
    want(world, session)
    assert only(BringUp, world.decide(1))
    world.hear(FetchOver("m", fetch.number, AWAY), 2)
    assert status(world).failure is None
    assert status(world).files is not None


def test_a_preload_has_the_files_fetched_too(session: WritesDown) -> None:
    workshop = workshop_of()
    workshop.has_files = lambda _: True
    world = world_of(of_repos("m", preload=True), workshop=workshop)
    looked = only(LookForFiles, world.decide(0))
    world.hear(FilesSeen("m", looked.look, here=False), 0)

    fetch = only(FetchFiles, world.decide(0))

    world.hear(FetchOver("m", fetch.number), 5)
    assert only(BringUp, world.decide(5))


def test_another_revision_in_the_catalog_ends_the_download_of_the_old_one(
    absent: World, session: WritesDown
) -> None:
    want(absent, session)
    fetch = only(FetchFiles, absent.decide(0))

    absent.hear(CatalogRead(of_repos("m", revision="v2")), 1)

    works = absent.decide(1)
    assert only(CallOffFetch, works).number == fetch.number
    looked = only(LookForFiles, works)
    assert looked.model.revision == "v2"
    absent.hear(FilesSeen("m", looked.look, here=False), 2)
    absent.hear(FetchOver("m", fetch.number, AWAY), 2)
    again = only(LookForFiles, absent.decide(2))
    absent.hear(FilesSeen("m", again.look, here=False), 2)
    assert only(FetchFiles, absent.decide(3)).model.revision == "v2"


def test_a_change_that_needs_no_other_files_leaves_the_download_alone(
    absent: World, session: WritesDown
) -> None:
    want(absent, session)
    absent.decide(0)

    absent.hear(CatalogRead(of_repos("m", idle_unload_s=5)), 1)

    assert absent.decide(1) == ()


def test_a_model_that_leaves_the_catalog_takes_its_download_with_it(absent: World, session: WritesDown) -> None:
    want(absent, session)
    fetch = only(FetchFiles, absent.decide(0))

    absent.hear(CatalogRead(of_repos("n")), 1)

    assert only(CallOffFetch, absent.decide(1))
    absent.hear(FetchOver("m", fetch.number, AWAY), 2)
    absent.decide(2)
    assert [one.name for one in absent.statuses(2)] == ["n"]


def test_a_download_in_which_nothing_moves_is_ended_and_said_to_be_so(
    absent: World, session: WritesDown
) -> None:
    want(absent, session)
    fetch = only(FetchFiles, absent.decide(0))
    absent.hear(FilesProgress("m", fetch.number, "downloading", 1, 2), 500)
    assert absent.decide(1000) == ()

    assert only(CallOffFetch, absent.decide(1101))

    absent.hear(FetchOver("m", fetch.number, AWAY), 1102)
    failure = status(absent).failure
    assert failure is not None
    assert failure.reason is Reason.HUB_UNREACHABLE
    assert "nothing came" in failure.message


def test_an_engine_that_misses_its_files_has_them_looked_for_again(session: WritesDown) -> None:
    world = world_with(of_repos("m"), session, here=True)
    want(world, session)
    up = only(BringUp, world.decide(0))
    missing = Failure(reason=Reason.MODEL_NOT_FOUND, message="cannot run m: it is gone", advice="look")

    world.hear(EngineGone("m", up.errand.instance, None, missing), 5)

    assert only(LookForFiles, world.decide(5))


# Removing


def remove(world: World, name: str, now: float = 0) -> list[Removed]:
    answers: list[Removed] = []
    world.hear(AskedToRemove(name, answers.append), now)
    return answers


def test_what_is_removed_is_started_by_nobody_meanwhile(session: WritesDown) -> None:
    world = world_with(of_repos("m"), session, here=True)

    assert remove(world, "m") == []

    work = only(RemoveFiles, world.decide(0))
    assert work.removal.repos == ("org/m",)
    want(world, session)
    assert world.decide(1) == ()
    world.hear(FilesRemoved(("m",)), 2)
    looked = only(LookForFiles, world.decide(2))
    world.hear(FilesSeen("m", looked.look, here=False), 2)
    assert only(FetchFiles, world.decide(2))


def test_an_answer_to_a_look_from_before_the_removal_is_not_believed(session: WritesDown) -> None:
    world = world_with(of_repos("m"), session, here=True)
    world.hear(FilesRemoved(("m",)), 0)
    looked = only(LookForFiles, world.decide(0))
    remove(world, "m")

    world.hear(FilesSeen("m", looked.look, here=True), 1)

    want(world, session)
    assert not [work for work in world.decide(1) if isinstance(work, BringUp)]


@pytest.mark.parametrize(
    ("name", "says"),
    [("m", "starting; unload it"), ("org/m", "starting; unload it"), ("nothing", "cannot find a model")],
)
def test_what_an_engine_has_open_is_not_removed(session: WritesDown, name: str, says: str) -> None:
    world = world_with(of_repos("m"), session, here=True)
    want(world, session)
    world.decide(0)

    (answer,) = remove(world, name)

    assert answer.error is not None
    assert says in answer.error.message
    assert world.decide(1) == ()


def test_what_another_model_needs_too_goes_only_by_its_own_name(session: WritesDown) -> None:
    both = catalog_of(**{name: {"path": None, "repo": "org/shared"} for name in ("m", "n")})
    world = world_with(both, session, here=True)

    (answer,) = remove(world, "m")

    assert answer.error is not None
    assert "n needs them, too" in answer.error.message
    assert remove(world, "org/shared") == []
    assert only(RemoveFiles, world.decide(0)).removal.models == ("m", "n")


def test_there_is_nothing_to_pull_of_an_image(session: WritesDown) -> None:
    world = world_of(of_repos("m"))

    answer = ask(world, Verb.PULL)

    assert answer.error is not None
    assert answer.error.code is ErrorCode.NOT_POSSIBLE_NOW


def _reads(works: tuple[Work, ...]) -> list[str]:
    return [work.model.name for work in works if isinstance(work, ReadProcessor)]


def test_what_was_downloaded_tells_what_the_model_can_do(session: WritesDown) -> None:
    world = world_with(of_repos("m"), session)
    world.ground.workshop.is_told_by_files = lambda _: True
    want(world, session)
    fetch = only(FetchFiles, world.decide(0))

    world.hear(FetchOver("m", fetch.number), 2)

    assert _reads(world.decide(2)) == ["m"]
    world.hear(ProcessorRead(world.catalog.models["m"], can=(Capability.CHAT, Capability.TOOLS)), 3)
    assert status(world).capabilities == (Capability.CHAT, Capability.TOOLS)


def test_the_eyes_of_a_model_of_the_hub_are_read_once_its_files_are_here(session: WritesDown) -> None:
    world = world_with(of_repos("m", type="vision"), session)
    assert _reads(world.decide(0)) == []
    want(world, session)
    fetch = only(FetchFiles, world.decide(0))

    world.hear(FetchOver("m", fetch.number), 2)

    assert _reads(world.decide(2)) == ["m"]


def test_the_eyes_of_a_model_whose_files_were_here_are_read_too(session: WritesDown) -> None:
    world = world_with(of_repos("m", type="vision"), session, here=True)

    assert _reads(world.decide(0)) == ["m"]


def test_another_repository_has_other_eyes(session: WritesDown) -> None:
    catalog = of_repos("m", type="vision")
    world = world_with(catalog, session, here=True)
    world.hear(ProcessorRead(catalog.models["m"], vision=Vision(patch=77)), 0)
    assert _patch(world) == 77

    world.hear(CatalogRead(of_repos("m", type="vision", revision="v2")), 1)
    world.hear(ProcessorRead(catalog.models["m"], vision=Vision(patch=78)), 1)

    assert _patch(world) not in {77, 78}


def _patch(world: World) -> int:
    vision = status(world).serving.vision
    assert vision is not None
    return vision.patch
