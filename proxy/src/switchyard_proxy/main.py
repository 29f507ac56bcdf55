"""The console script: `switchyard-proxy` serves; `switchyard-proxy keys …` makes and revokes keys.

The application is imported by whoever serves: the parent of workers does not, and stays small.
"""

import logging
import os
import socket
import sys
import time

from switchyard_proxy import workers
from switchyard_proxy.access.first_key import ensure_first_key
from switchyard_proxy.access.shared import shared_meter
from switchyard_proxy.accounting import logs
from switchyard_proxy.errors import ProxyError
from switchyard_proxy.server import CannotListen, listen, serve
from switchyard_proxy.settings import SettingRefused, Settings, read_settings

log = logging.getLogger(__name__)


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[:1] == ["keys"]:
        from switchyard_proxy.cli import keys

        sys.exit(keys.main(arguments[1:]))
    try:
        run(read_settings(arguments, os.environ))
    except (SettingRefused, CannotListen, workers.WorkersFailed, ProxyError) as error:
        sys.exit(f"switchyard-proxy: {error}")


def run(settings: Settings) -> None:
    """Until a signal comes. Raises `CannotListen`, `SettingRefused`, `WorkersFailed`."""
    logs.set_up(settings.log_format)
    if settings.workers > 1:
        run_several(workers.bounded(settings))
        return
    from switchyard_proxy.api.page import page_for
    from switchyard_proxy.app import App

    ensure_first_key(settings, time.time())
    with listen(settings.host, settings.port) as listener:
        log.info("listening on http://%s:%d", settings.host, listener.getsockname()[1])
        app = App(settings, page_for(settings))
        serve(app, app.stop, settings, listener)


def run_several(settings: Settings) -> None:
    # Fails where others listen; a socket that is to be shared would not.
    with listen(settings.host, settings.port) as alone:
        port = alone.getsockname()[1]
    ensure_first_key(settings, time.time())

    def one_more() -> socket.socket:
        return listen(settings.host, port, shared=True)

    listeners = [one_more() for _ in range(settings.workers)]
    log.info("listening on http://%s:%d, with %d workers", settings.host, port, settings.workers)
    workers.Crew(settings, listeners, one_more).run()


def work() -> None:
    """A worker, started by `workers`."""
    from switchyard_proxy.api.page import page_for
    from switchyard_proxy.app import App
    from switchyard_proxy.parts import Shared

    post = workers.Post(sys.argv[1:])
    logs.set_up(post.settings.log_format)
    shared = Shared(shared_meter(post.board, post.number), post.turns, keeps_usage=post.number == 0)
    app = App(post.settings, page_for(post.settings), shared=shared)
    serve(app, app.stop, post.settings, post.listener, post.lifeline)
    post.leave()
