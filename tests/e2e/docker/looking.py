"""What Docker says of containers. Tests ask many times a second, so no program is started for each question.

`host` is the Engine's address; None: this machine's, or what the environment says. Every question has a line of
its own: an Engine that was started again has let go of those from before.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from docker import APIClient
from docker.utils import kwargs_from_env

WITHIN_S = 50


def containers(*, labels: list[str], network: str | None = None, host: str | None = None) -> list[str]:
    """Their ids, the newest first; those too that have ended."""
    asked = {"label": labels} | ({"network": [network]} if network else {})
    with _engine(host) as engine:
        return [one["Id"] for one in engine.containers(all=True, quiet=True, filters=asked)]


def inspected(container: str, host: str | None = None) -> dict[str, Any]:
    """`docker.errors.NotFound` of one that is gone."""
    with _engine(host) as engine:
        told: dict[str, Any] = engine.inspect_container(container)
        return told


@contextlib.contextmanager
def _engine(host: str | None) -> Iterator[APIClient]:
    where = kwargs_from_env() if host is None else {"base_url": host}
    with contextlib.closing(APIClient(timeout=WITHIN_S, **where)) as engine:
        yield engine
