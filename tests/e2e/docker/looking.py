"""What Docker says of containers. Tests ask many times a second, so no program is started for each question."""

import functools
from typing import Any

from docker import APIClient
from docker.utils import kwargs_from_env


@functools.cache
def _engine() -> APIClient:
    return APIClient(timeout=50, **kwargs_from_env())


def containers(*, labels: list[str], network: str | None = None) -> list[str]:
    """Their ids, the newest first; those too that have ended."""
    asked = {"label": labels} | ({"network": [network]} if network else {})
    found = _engine().containers(all=True, quiet=True, filters=asked)
    return [one["Id"] for one in found]


def inspected(container: str) -> dict[str, Any]:
    """`docker.errors.NotFound` of one that is gone."""
    told: dict[str, Any] = _engine().inspect_container(container)
    return told
