"""What a container of ours is made of: the Engine API's own words for a `ContainerSpec`. Pure.

Holds the rules that are the same for every engine: private (no memory, processes or network shared with this
machine), without privileges, never restarted by anybody but us; reachable on this machine's loopback only, or,
in a network of the operator's, by whoever is on that, and then not from the machine at all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from switchyard_manager.runtimes.protocol import ContainerSpec

INSTALLATION = "switchyard.installation"
INSTANCE = "switchyard.instance"
MODEL = "switchyard.model"
SPEC_HASH = "switchyard.spec-hash"
GPUS = "switchyard.gpus"
PORT = "switchyard.port"  # on which it listens inside

LOG_SIZE = "20m"  # what the Engine keeps: enough that a reader who was away misses nothing
LOG_FILES = "3"
MIB = 1024 * 1024
PLAIN = re.compile(r"[a-zA-Z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Naming:
    """How one installation calls its own: two on one machine never meet."""

    installation: str

    @property
    def label(self) -> str:
        """What every list is asked for."""
        return f"{INSTALLATION}={self.installation}"

    @property
    def network(self) -> str:
        return f"switchyard-{self.installation[:8]}"

    def container(self, instance: str) -> str:
        plain = instance
        if not PLAIN.fullmatch(instance):
            # Two that read alike once their strange letters are gone must not share a name.
            told = sha256(instance.encode()).hexdigest()[:8]
            plain = "-".join([*PLAIN.findall(instance), told])
        return f"{self.network}-{plain}"

    def labels(self, spec: ContainerSpec) -> dict[str, str]:
        return {
            INSTALLATION: self.installation,
            INSTANCE: spec.instance,
            MODEL: spec.model,
            SPEC_HASH: spec.spec_hash,
            GPUS: ",".join(spec.gpus),
            PORT: str(spec.port),
        }

    def owns(self, labels: Mapping[str, str]) -> bool:
        return labels.get(INSTALLATION) == self.installation


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container is put, and what the Engine calls what it is to see of this machine."""

    network: str
    published: bool
    mounts: tuple[dict[str, Any], ...]  # for `binds`, in their order


def body(spec: ContainerSpec, naming: Naming, place: Place) -> dict[str, Any]:
    environment = dict(spec.env) | dict(spec.secrets)
    made: dict[str, Any] = {
        "Image": spec.image,
        "Cmd": list(spec.command),
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": naming.labels(spec),
        "ExposedPorts": {f"{spec.port}/tcp": {}},
        # We ask the engine itself. An image's own check would start a program every few seconds, for nobody.
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _host(spec, place),
    }
    if spec.entrypoint is not None:
        made["Entrypoint"] = list(spec.entrypoint)
    return made


def _host(spec: ContainerSpec, place: Place) -> dict[str, Any]:
    volumes = [
        {"Type": "volume", "Source": volume, "Target": target} for volume, target in spec.volumes.items()
    ]
    host: dict[str, Any] = {
        "Init": True,
        "IpcMode": "private",
        "NetworkMode": place.network,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "RestartPolicy": {"Name": "no"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": LOG_SIZE, "max-file": LOG_FILES}},
        "Mounts": [*place.mounts, *volumes],
    }
    if place.published:
        host["PortBindings"] = {f"{spec.port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    if nvidia := [uuid for uuid in spec.gpus if uuid not in spec.devices]:
        wanted = {"Driver": "nvidia", "DeviceIDs": nvidia, "Capabilities": [["gpu"]]}
        host["DeviceRequests"] = [wanted]
    if files := dict.fromkeys(file for uuid in spec.gpus for file in spec.devices.get(uuid, ())):
        host["Devices"] = [
            {"PathOnHost": file, "PathInContainer": file, "CgroupPermissions": "rwm"} for file in files
        ]
    if spec.shm_mib is not None:
        host["ShmSize"] = spec.shm_mib * MIB
    if spec.memory_mib is not None:
        # No swap on top: an engine that swaps is worse than one that ends and says why.
        host["Memory"] = host["MemorySwap"] = spec.memory_mib * MIB
    return host
