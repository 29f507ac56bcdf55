"""The one module that speaks to the Docker Engine: few verbs, plain values, our own errors. Blocking.

Knows containers, not instances, and decides nothing. What it cannot ask raises `RuntimeAway`; what the Engine
refuses raises `EngineSaid`, in the Engine's own words.
"""

import contextlib
import errno
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import docker
import requests
import urllib3
from docker.types import CancellableStream

from switchyard_manager.errors import ManagerError
from switchyard_manager.runtimes.docker.seen import NS, About, End, Network, Seen, end, seen
from switchyard_manager.runtimes.protocol import RuntimeAway

CALL_LIMIT_S = 120.0  # an Engine that has not answered by then is away; to start with GPUs takes it a while
CONNECTIONS = 64  # more than there are threads: none is ever thrown away
NOT_FOUND, CONFLICT = 404, 409

_Answer = TypeVar("_Answer")
_Item = TypeVar("_Item")


class EngineSaid(ManagerError):
    """The Engine heard us and refused."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"the Docker Engine refused: {words}")
        self.status = status
        self.words = words


class NotThere(EngineSaid):
    """It knows nothing by that name: any more, or at all."""


class Conflict(EngineSaid):
    """Not in the state that it is in: a name that is taken, a removal that is under way, an end long past."""


_FOREIGN = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError)


class Stream(Generic[_Item]):
    """What the Engine says as it happens. Ends when all is said, when the Engine goes away, and when cut."""

    def __init__(self, items: Iterator[_Item], response: requests.Response, client: docker.APIClient) -> None:
        self._items = items
        self._response = response
        self._client = client  # its own: whoever cuts it cuts nothing else

    def __iter__(self) -> Iterator[_Item]:
        # The SDK's readers stumble in many ways over a connection that is cut under them: it is the end.
        stumbles = (docker.errors.DockerException, AttributeError, ValueError, struct.error, *_FOREIGN)
        try:
            with contextlib.suppress(*stumbles):
                yield from self._items
        finally:
            self.close()

    def cut(self) -> None:
        """From any thread. What is iterating over it comes to its end."""
        with contextlib.suppress(OSError, AttributeError, ValueError):
            CancellableStream(self._items, self._response).close()

    def close(self) -> None:
        self._response.close()
        self._client.close()


class Engine:
    """Connects when it is first asked, and anew after each time the Engine was away."""

    def __init__(self, host: str | None = None) -> None:
        """`host`: an address such as `unix:///run/docker.sock`; None: where the docker command would look."""
        self._host = host
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None
        self._closed = False

    def about(self) -> About:
        info = self._ask(lambda client: client.info())
        devices = tuple(str(device.get("ID", "")) for device in info.get("DiscoveredDevices") or ())
        return About(
            str(info["ServerVersion"]),
            frozenset(info.get("Runtimes") or ()),
            str(info.get("DockerRootDir", "")),
            devices,
        )

    def has_image(self, image: str) -> bool:
        try:
            self._ask(lambda client: client.inspect_image(image))
        except NotThere:
            return False
        return True

    def pull(self, image: str) -> Stream[dict[str, Any]]:
        return self._stream(lambda client: client.pull(image, stream=True, decode=True))

    def networks(self, name: str) -> tuple[Network, ...]:
        """The oldest first. A name is no promise here: of two that are made at once, both may come to be."""
        told = self._ask(lambda client: client.networks(names=[name]))
        exact = [one for one in told if one["Name"] == name]
        exact.sort(key=lambda one: (str(one.get("Created", "")), str(one["Id"])))
        return tuple(Network(str(one["Id"]), one.get("Labels") or {}) for one in exact)

    def make_network(self, name: str, labels: Mapping[str, str]) -> None:
        make = {"driver": "bridge", "labels": dict(labels), "check_duplicate": True}
        self._ask(lambda client: client.create_network(name, **make))

    def remove_network(self, network: str) -> None:
        self._ask(lambda client: client.remove_network(network))

    def create(self, name: str, body: Mapping[str, Any]) -> str:
        return str(self._ask(lambda client: client.create_container_from_config(dict(body), name))["Id"])

    def start(self, container: str) -> None:
        self._ask(lambda client: client.start(container))

    def signal(self, container: str, signal: str) -> None:
        self._ask(lambda client: client.kill(container, signal))

    def remove(self, container: str) -> None:
        """Running or not, with the volumes that have no name."""
        self._ask(lambda client: client.remove_container(container, v=True, force=True))

    def inspect(self, container: str) -> Seen:
        return seen(self._ask(lambda client: client.inspect_container(container)))

    def labelled(self, label: str) -> tuple[str, ...]:
        """The containers, in whatever state, that carry this `name=value`."""
        found = self._ask(lambda client: client.containers(all=True, filters={"label": [label]}))
        return tuple(str(container["Id"]) for container in found)

    def processes(self, container: str) -> frozenset[int]:
        told = self._ask(lambda client: client.top(container, ps_args="-eo pid"))
        column = told["Titles"].index("PID")
        return frozenset(int(row[column]) for row in told.get("Processes") or ())

    def ends(self) -> Stream[End]:
        """The containers that end, as they do: of everybody's, for those named to us carry no label of ours."""
        wanted = {"type": "container", "event": ["die", "destroy"]}
        return self._stream(lambda client: map(end, client.events(decode=True, filters=wanted)))

    def words(self, container: str, since_ns: int, *, follow: bool, terminal: bool) -> Stream[bytes]:
        """What it wrote, in pieces, each after the time at which it was written and a blank."""
        since = since_ns / NS or None

        def read(client: docker.APIClient) -> Iterator[bytes]:
            pieces = client.logs(container, stream=True, follow=follow, timestamps=True, since=since)
            return _lines(pieces) if terminal else pieces

        return self._stream(read)

    def _stream(self, call: Callable[[docker.APIClient], Iterator[_Item]]) -> Stream[_Item]:
        with self._translated():
            # One that answers told its version: not asked again for each stream.
            client = self._new_client(self._connected().api_version)
            answers: list[requests.Response] = []

            def keep(answer: requests.Response, *_: object, stream: bool = False, **__: object) -> None:
                if stream:
                    answers.append(answer)

            client.hooks["response"].append(keep)
            try:
                return Stream(iter(call(client)), answers[-1], client)
            except BaseException:
                for answer in answers:
                    answer.close()
                client.close()
                raise

    def _ask(self, call: Callable[[docker.APIClient], _Answer]) -> _Answer:
        with self._translated():
            return call(self._connected())

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except docker.errors.APIError as error:
            raise _said(error) from error
        except _FOREIGN as error:
            self._forget()
            raise RuntimeAway(f"cannot reach the Docker Engine: {_cause(error)}") from error
        except docker.errors.DockerException as error:
            # The SDK itself would not pass it on.
            raise EngineSaid(0, str(error)) from error

    def _connected(self) -> docker.APIClient:
        with self._lock:
            if self._closed:
                raise RuntimeAway("cannot reach the Docker Engine: we let go of it")
            if self._client is None:
                self._client = self._connect()
            client = self._client
        _try_socket(client)
        return client

    def _connect(self) -> docker.APIClient:
        try:
            _try_socket(self._new_client(docker.constants.DEFAULT_DOCKER_API_VERSION))
            return self._new_client("auto")  # which asks the Engine
        except docker.errors.DockerException as error:
            raise RuntimeAway(f"cannot reach the Docker Engine: {_cause(error)}") from error

    def _new_client(self, version: str) -> docker.APIClient:
        settings = {"version": version, "timeout": CALL_LIMIT_S, "max_pool_size": CONNECTIONS}
        if self._host is not None:
            return docker.APIClient(base_url=self._host, **settings)
        return docker.from_env(**settings).api

    def _forget(self) -> None:
        """The next call connects anew, to an Engine that may be of another version."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def close(self) -> None:
        """For good."""
        self._closed = True
        self._forget()


def _try_socket(client: docker.APIClient) -> None:
    """Each attempt to connect that fails costs the SDK a socket, which it leaves open: it is spared them."""
    path = getattr(client.get_adapter(client.base_url), "socket_path", None)
    if path is not None:
        with socket.socket(socket.AF_UNIX) as attempt:
            attempt.settimeout(CALL_LIMIT_S)
            refused = attempt.connect_ex(path)
        if refused == errno.EACCES:
            raise PermissionError(
                f"this user may not open {path}, which group {Path(path).stat().st_gid} may: put the user into"
                " that group, or with containers write its number to SWITCHYARD_DOCKER_GID in .env"
            )
        if refused:
            raise OSError(refused, os.strerror(refused))


def _said(error: docker.errors.APIError) -> EngineSaid:
    status = int(error.status_code or 0)
    kind = {NOT_FOUND: NotThere, CONFLICT: Conflict}.get(status, EngineSaid)
    return kind(status, str(error.explanation or error))


def _cause(error: BaseException) -> str:
    """The first cause in a chain of wrappers, which is the one that says something."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A terminal's words come a few bytes at a time."""
    held = b""
    for piece in pieces:
        held += piece
        *whole, held = held.split(b"\n")
        yield from (line + b"\n" for line in whole)
    if held:
        yield held
