"""What can go wrong in the manager, by what the operator should do about it.

    ManagerError
    ├── Refused              the operator must change something
    │   ├── BadSetting       a setting or argument of the manager itself
    │   └── AlreadyRunning   another manager owns this state folder
    └── EngineFailed         one engine could not be started or kept; carries the `Failure` that everyone sees

Foreign errors are translated once, in the adapter that met them, `from error`.
"""

from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure


class ManagerError(Exception):
    """Ours, whatever it is."""


class Refused(ManagerError):
    """Trying again changes nothing: the operator must."""


class BadSetting(Refused):
    pass


class AlreadyRunning(Refused):
    pass


class EngineFailed(ManagerError):
    """A model's engine failed; `failure` says how, and what to do."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence())
        self.failure = failure

    @classmethod
    def because(cls, reason: Reason, message: str, advice: str) -> "EngineFailed":
        return cls(Failure(reason=reason, message=message, advice=advice))
