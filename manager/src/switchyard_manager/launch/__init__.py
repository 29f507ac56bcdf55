"""Manager and proxy together on one machine, as one job: `switchyard up` and `down`.

Knows the proxy only as a command beside our own. Each service runs under a warden (`runtimes/warden.py`), so
when this job ends, however it ends, they end, and their engines with them.
"""

from switchyard_manager.launch.job import down, up

__all__ = ["down", "up"]
