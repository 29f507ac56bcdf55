"""Engines as containers under this machine's Docker Engine. They outlive the manager; the next takes over."""

from switchyard_manager.runtimes.docker.endings import end_all, is_likely_here
from switchyard_manager.runtimes.docker.facts import DockerFacts, docker_facts
from switchyard_manager.runtimes.docker.runtime import DockerRuntime
from switchyard_manager.runtimes.docker.site import Site

__all__ = ["DockerFacts", "DockerRuntime", "Site", "docker_facts", "end_all", "is_likely_here"]
