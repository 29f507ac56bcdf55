"""How long tests wait before they look again at another process."""

from functools import partial

from switchyard_manager.supervise import readiness

pauses = partial(readiness.pauses, 0.05, 0.1, 0.25)
