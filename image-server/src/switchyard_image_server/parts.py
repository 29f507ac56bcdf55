"""What the routes work with: the one model, and what stands around it. Made once, by `serve`."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from switchyard_image_server.counters import Counters, EngineNow
from switchyard_image_server.engine import Engine
from switchyard_image_server.files import Files
from switchyard_image_server.jobs import Jobs
from switchyard_image_server.media.addresses import MediaReader
from switchyard_image_server.settings import Settings
from switchyard_image_server.webhooks import Webhooks, post_guarded


@dataclass(frozen=True, slots=True)
class Parts:
    """`now` tells the time of day, for `created`."""

    engine: Engine
    settings: Settings
    media: MediaReader
    files: Files
    jobs: Jobs
    counters: Counters
    now: Callable[[], float] = time.time


def make_parts(engine: Engine, settings: Settings, now: Callable[[], float] = time.time) -> Parts:
    counters = Counters()
    counters.registry.register(EngineNow(engine))
    engine.worker.tell(counters)
    files = Files(settings.results, time.monotonic)
    post = post_guarded() if settings.media.fetch else None
    webhooks = Webhooks(post, public_url=settings.results.public_url)
    return Parts(
        engine=engine,
        settings=settings,
        media=MediaReader(settings.media),
        files=files,
        jobs=Jobs(settings.results, engine.worker, webhooks, time.monotonic, now),
        counters=counters,
        now=now,
    )
