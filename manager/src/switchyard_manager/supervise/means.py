"""What every errand is carried out with."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from switchyard_manager.engines import Adapter
from switchyard_manager.places import Places
from switchyard_manager.runtimes.log_files import LogFiles
from switchyard_manager.runtimes.several import Runtimes
from switchyard_manager.supervise.news import News
from switchyard_manager.supervise.talk import Engine
from switchyard_manager.supervise.work import Errand


@dataclass(frozen=True, slots=True)
class Means:
    runtimes: Runtimes
    http: httpx.AsyncClient
    places: Places
    logs: LogFiles
    key_of: Callable[[str], str]  # the secret of a run, from its instance
    post: Callable[[News], None]


def engine_of(errand: Errand, adapter: Adapter, means: Means) -> Engine:
    """The engine of an errand that runs already."""
    headers = adapter.headers(errand.model, means.key_of(errand.instance))
    return Engine(means.http, errand.endpoint, dict(headers))
