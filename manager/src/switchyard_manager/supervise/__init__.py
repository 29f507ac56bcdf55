"""Carry out what the scheduler decided, and remember what is.

One task (`Supervisor.run`) is the only writer of every model's phase. Everyone else posts news into its inbox;
nobody reads a phase and then acts on it. An action is recorded before the first await, so that the next pass
cannot choose it again.
"""

from switchyard_manager.supervise.news import Session
from switchyard_manager.supervise.supervisor import Supervisor

__all__ = ["Session", "Supervisor"]
