"""Fetch all that one model needs: a program of its own, which can be killed at any moment.

    python -m switchyard_manager.model_files.child < job

Its job comes as one line; how far it is, and what came of it, goes out as lines of JSON. When its standard
input ends, whoever wanted the files is gone, however it went: it ends at once. The next one goes on from there.
"""

import os
import sys
import threading

import httpx

from switchyard_manager.model_files import job
from switchyard_manager.model_files.fetching import Fetch
from switchyard_manager.model_files.job import Job
from switchyard_manager.model_files.telling import Teller, say
from switchyard_manager.model_files.transfer import FetchFailed

CONNECT_S, READ_S = 15.0, 30.0


def _end_with_the_manager() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    given = Job.from_json(sys.stdin.buffer.readline().decode())
    threading.Thread(target=_end_with_the_manager, daemon=True).start()
    timeout = httpx.Timeout(READ_S, connect=CONNECT_S)
    with httpx.Client(follow_redirects=True, timeout=timeout) as http:
        try:
            teller = Teller()
            with teller.telling():
                line: job.Line = Fetch(given, http, teller).run()
        except FetchFailed as failed:
            line = failed.failure
    say(line)
    # Not the usual way out: a thread may still hold the standard input.
    os._exit(0)


if __name__ == "__main__":
    main()
