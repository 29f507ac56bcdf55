"""What a container of ours is made of: the Engine API's own words for a `ContainerSpec`. Pure.

Holds the rules that are the same for every engine: private (no memory, processes or network shared with this
machine), without privileges, reachable on this machine's loopback only, never restarted by anybody but us.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from switchyard_manager.runtimes.protocol import ContainerSpec, Spec

INSTALLATION = "switchyard.installation"
INSTANCE = "switchyard.instance"
MODEL = "switchyard.model"
SPEC_HASH = "switchyard.spec-hash"
GPUS = "switchyard.gpus"

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

    def labels(self, spec: Spec) -> dict[str, str]:
        return {
            INSTALLATION: self.installation,
            INSTANCE: spec.instance,
            MODEL: spec.model,
            SPEC_HASH: spec.spec_hash,
            GPUS: ",".join(spec.gpus),
        }

    def owns(self, labels: Mapping[str, str]) -> bool:
        return labels.get(INSTALLATION) == self.installation


def body(spec: ContainerSpec, naming: Naming, network: str) -> dict[str, Any]:
    environment = dict(spec.env) | dict(spec.secrets)
    made: dict[str, Any] = {
        "Image": spec.image,
        "Cmd": list(spec.command),
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": naming.labels(spec),
        "ExposedPorts": {f"{spec.port}/tcp": {}},
        "HostConfig": _host(spec, network),
    }
    if spec.entrypoint is not None:
        made["Entrypoint"] = list(spec.entrypoint)
    return made


def _host(spec: ContainerSpec, network: str) -> dict[str, Any]:
    host: dict[str, Any] = {
        "Init": True,
        "IpcMode": "private",
        "NetworkMode": network,
        "PortBindings": {f"{spec.port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "RestartPolicy": {"Name": "no"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": LOG_SIZE, "max-file": LOG_FILES}},
        "Mounts": _mounts(spec),
    }
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


def _mounts(spec: ContainerSpec) -> list[dict[str, Any]]:
    """As mounts and not as `Binds`: those make a missing folder, and root its owner."""
    binds = [
        {"Type": "bind", "Source": bind.source, "Target": bind.target, "ReadOnly": bind.read_only}
        for bind in spec.binds
    ]
    volumes = [
        {"Type": "volume", "Source": volume, "Target": target} for volume, target in spec.volumes.items()
    ]
    return binds + volumes
