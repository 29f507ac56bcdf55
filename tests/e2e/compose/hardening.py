"""What `docker inspect` tells of a container, in the words of the table in docs/compose.md."""

from typing import Any

SOCKET = "/var/run/docker.sock"
RESTARTS = {"": "never", "no": "never", "always": "always"}
HUB = "/cache/huggingface"
WEIGHTS = "/switchyard/weights"


def told(container: dict[str, Any], network: str, owner: str) -> dict[str, str]:
    host = container["HostConfig"]
    mounts = {mount["Destination"]: mount["RW"] for mount in container["Mounts"]}
    return {
        "user": "owner of the catalog" if container["Config"]["User"] == owner else container["Config"]["User"],
        "root file system": "read-only" if host["ReadonlyRootfs"] else "writable",
        "capabilities": "none" if host["CapDrop"] == ["ALL"] and not host["CapAdd"] else "some",
        "new privileges": "never" if _keeps_privileges(host) else "possible",
        "Docker socket": "yes" if SOCKET in mounts else "no",
        "writable mounts": _listed(place for place, writable in mounts.items() if writable and place != SOCKET),
        "read-only mounts": _listed(place for place, writable in mounts.items() if not writable),
        "in memory": _in_memory(host.get("Tmpfs") or {}),
        "networks": _networks(container, network),
        "published": _published(host["PortBindings"] or {}),
        "processes": str(host["PidsLimit"] or "unlimited"),
        "log": "{max-file} files of {max-size}".format(**host["LogConfig"]["Config"]),
        "started again by Docker": RESTARTS[host["RestartPolicy"]["Name"]],
        "an init as process 1": "yes" if host["Init"] else "no",
        "shares memory, processes or network with the machine": _shares(host),
    }


def _keeps_privileges(host: dict[str, Any]) -> bool:
    return not host["Privileged"] and bool(
        {"no-new-privileges", "no-new-privileges:true"} & {*host["SecurityOpt"]}
    )


def _listed(places: Any) -> str:
    return ", ".join(sorted(places)) or "none"


def _in_memory(tmpfs: dict[str, str]) -> str:
    sizes = {place: options.partition("size=")[2] for place, options in tmpfs.items()}
    return _listed(f"{place} ({size})" for place, size in sizes.items())


def _networks(container: dict[str, Any], engines: str) -> str:
    names = {
        "engines" if name == engines else name.rpartition("_")[2]
        for name in container["NetworkSettings"]["Networks"]
    }
    return ", ".join(sorted(names - {"none"}, reverse=True)) or "none"


def _published(bindings: dict[str, list[dict[str, str]]]) -> str:
    """The port inside, and where if that is not everywhere."""
    places = [
        port.partition("/")[0] + ("" if bound["HostIp"] in {"", "0.0.0.0"} else f" on {bound['HostIp']}")
        for port, bounds in bindings.items()
        for bound in bounds
    ]
    return _listed(places)


def _shares(host: dict[str, Any]) -> str:
    shared = {host["IpcMode"], host["PidMode"], host["NetworkMode"], host["UTSMode"], host["UsernsMode"]}
    return "yes" if "host" in shared else "no"
