"""Gather what the doctor judges: from Docker, the driver, the disks, the ports, the catalog, the manager.

Each look is on its own: what fails in one is a finding, and the others are still made. Changes nothing.
"""

import os
import platform
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from switchyard_contracts import __version__
from switchyard_contracts.catalog import Catalog, CatalogRefused
from switchyard_contracts.status import ManagerStatus
from switchyard_manager import catalog_file
from switchyard_manager.cli import findings, fitting
from switchyard_manager.cli.asking import Failed, Manager, ask
from switchyard_manager.cli.findings import Finding
from switchyard_manager.engines import ADAPTERS
from switchyard_manager.errors import ManagerError
from switchyard_manager.gpu import NvmlMeter, Reading
from switchyard_manager.launch import record
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Kind
from switchyard_manager.runtimes.docker.facts import DockerFacts, docker_facts
from switchyard_manager.settings import Settings, port_number

MIB = 2**20
FAULTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Instruments:
    """How the machine is looked at. Blocking, all of them."""

    docker: Callable[[], DockerFacts] = docker_facts
    gpus: Callable[[], Reading] = lambda: NvmlMeter().read()
    manager: Callable[[], ManagerStatus] = lambda: ask(Manager.status)


def look(settings: Settings, by: Instruments | None = None) -> Iterator[Finding]:
    by = by or Instruments()
    yield findings.ok(
        f"Switchyard {__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}"
    )
    catalog, fault = _catalog(settings)
    yield fault or findings.ok(
        f"catalog: {settings.catalog} is valid, {len(catalog.models if catalog else ())} models"
    )
    reading = by.gpus()
    yield from findings.of_gpus(reading)
    if catalog and not reading.blind:
        yield fitting.of_fit(catalog, reading)
    in_containers = _in_containers(catalog, settings) if catalog else []
    yield from findings.of_docker(by.docker(), in_containers, has_gpus=bool(reading.gpus))
    yield findings.of_disk("the state folder", str(settings.state), _free_mib(settings.state))
    yield findings.of_disk("what is downloaded", str(settings.hf_cache), _free_mib(settings.hf_cache))
    yield from _manager_and_ports(settings, by)


def _catalog(settings: Settings) -> tuple[Catalog | None, Finding | None]:
    try:
        return catalog_file.load(settings.catalog), None
    except CatalogRefused as refused:
        shown = "; ".join(map(str, refused.faults[:FAULTS_SHOWN]))
        what = f"catalog: {settings.catalog} has {len(refused.faults)} faults: {shown}"
        return None, findings.fail(what, "mend them; `switchyard validate` lists them all")
    except ManagerError as error:
        return None, findings.fail(f"catalog: {error}", "or make one: `switchyard add`")


def _in_containers(catalog: Catalog, settings: Settings) -> list[str]:
    places = Places(
        settings.catalog, settings.state, settings.image_server, settings.vllm, runtime=settings.runtime
    )
    models = catalog.models.values()
    return [model.name for model in models if ADAPTERS[model.engine].kind(model, places) is Kind.DOCKER]


def _free_mib(folder: Path) -> int | None:
    """Of the disk that the folder is on, or will be on once it is made."""
    for place in (folder, *folder.parents):
        if place.is_dir():
            try:
                return shutil.disk_usage(place).free // MIB
            except OSError:
                return None
    return None


def _manager_and_ports(settings: Settings, by: Instruments) -> Iterator[Finding]:
    is_up = record.read(settings.state) is not None
    try:
        status = by.manager()
    except Failed as failed:
        if is_up or not failed.is_away:
            yield findings.fail(f"manager: {failed}", "see the end of its log: logs/up.log in the state folder")
        else:
            yield findings.warn("manager: it does not run", "./setup.sh up starts it")
        answers = False
    else:
        yield from findings.of_manager(status, __version__)
        answers = True
    yield _port(settings.host, settings.port, "SWITCHYARD_MANAGER_PORT", "for the manager", is_ours=answers)
    if settings.engine_network:  # in a container, as the proxy is in another: its port is not seen here
        return
    host = os.environ.get("SWITCHYARD_HOST") or "127.0.0.1"
    port = port_number("SWITCHYARD_PORT", os.environ.get("SWITCHYARD_PORT") or "8080")
    yield _port(host, port, "SWITCHYARD_PORT", "for clients", is_ours=is_up)


def _port(host: str, port: int, setting: str, purpose: str, *, is_ours: bool) -> Finding:
    return findings.of_port(port, setting, purpose, is_free=_is_free(host, port), is_ours=is_ours)


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
