"""What the proxy keeps of a manager's words."""

from switchyard_contracts.grants import Loading, Models
from switchyard_contracts.serving import Routing
from switchyard_contracts.status import Phase
from switchyard_proxy.grants.known_models import KnownModels
from tests.proxy.managers import status


def test_the_last_word_holds() -> None:
    known = KnownModels()

    known.replace(Models(models=(status("one"),)))
    known.replace(Models(models=(status("two"),), routing=Routing(default_model="two")))

    assert [model.name for model in known.models] == ["two"]
    assert known.routing.default_model == "two"


def test_every_word_is_news() -> None:
    heard: list[str] = []
    known = KnownModels(lambda: heard.append("news"))

    known.replace(Models(models=()))
    known.note(Loading(model="chat", phase=Phase.LOADING, elapsed_s=1))

    assert heard == ["news", "news"]


def test_progress_is_kept_while_the_phase_lasts_and_no_longer() -> None:
    known = KnownModels()
    known.note(Loading(model="chat", phase=Phase.LOADING, elapsed_s=1, progress="60 %"))

    known.replace(Models(models=(status("chat", phase=Phase.LOADING),)))
    while_loading = dict(known.loading)
    known.replace(Models(models=(status("chat", phase=Phase.READY),)))

    assert while_loading["chat"].progress == "60 %"
    assert known.loading == {}


def test_what_was_said_of_a_download_is_over_when_the_model_says_no_more_of_it() -> None:
    known = KnownModels()
    known.note(Loading(model="chat", phase=Phase.STOPPED, elapsed_s=1, progress="downloading"))

    known.replace(Models(models=(status("chat", phase=Phase.STOPPED, progress="downloading"),)))
    meanwhile = dict(known.loading)
    known.replace(Models(models=(status("chat", phase=Phase.STOPPED),)))

    assert meanwhile["chat"].progress == "downloading"
    assert known.loading == {}
