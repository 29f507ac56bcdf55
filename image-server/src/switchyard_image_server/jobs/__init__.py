"""Work that goes on when its client has left, and whose result waits to be fetched.

`lifecycle` has the states and their moves, `record` what is known of one job, `keeping` which ones to forget:
those are pure. `desk` runs the jobs and owns every change to them. It must not know HTTP.
"""

from switchyard_image_server.jobs.desk import Follower, Jobs
from switchyard_image_server.jobs.lifecycle import Status
from switchyard_image_server.jobs.order import Collect, JobOrder, Queue

__all__ = ["Collect", "Follower", "JobOrder", "Jobs", "Queue", "Status"]
