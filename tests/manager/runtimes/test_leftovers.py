"""Processes that outlived whoever owned them are found as they are now."""

import os
import signal
import subprocess
import sys

import psutil

from switchyard_manager.runtimes import leftovers

FOREVER = (sys.executable, "-c", "import signal; signal.pause()")


def test_whoever_has_the_number_of_a_process_that_psutil_saw_before_is_ended_too() -> None:
    mine = f"of this test, run by {os.getpid()}"
    with subprocess.Popen(FOREVER, env={**os.environ, leftovers.ENGINE_MARK: mine}) as left:
        try:
            for one in psutil.process_iter():
                if one.pid == left.pid:
                    one._ident = (left.pid, 0.0)  # as it is once the number has gone to another

            (found,) = leftovers.find(leftovers.ENGINE_MARK, mine)
            found.terminate()

            assert left.wait(10) == -signal.SIGTERM
        finally:
            left.kill()
