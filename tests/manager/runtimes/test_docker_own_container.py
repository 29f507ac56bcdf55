"""Which container the manager is in: what is read from inside, and what of it is believed."""

import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import RuntimeAway
from switchyard_manager.runtimes.docker.engine import NotThere
from switchyard_manager.runtimes.docker.own_container import OwnContainer, candidates
from switchyard_manager.runtimes.docker.seen import Seen, seen
from switchyard_manager.runtimes.docker.site import Site

ID = "0123456789abcdef" * 4
OTHER = "f" * 64
DOCKER = f"""\
1 0 0:1 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/{OTHER[:26]}
2 1 8:1 /var/lib/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/sda1 rw
3 1 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw
4 1 8:1 /var/lib/docker/containers/{ID}/hosts /etc/hosts rw,relatime - ext4 /dev/sda1 rw
5 1 8:1 /var/lib/docker/volumes/x/_data /state rw,relatime - ext4 /dev/sda1 rw
"""
PODMAN = (
    f"3 1 0:5 /containers/storage/overlay-containers/{ID}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n"
)
DESKTOP = f"3 1 8:1 /docker/containers/{ID}/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw\n"
# A machine with Docker on it: it sees the files of all containers, and is in none.
MACHINE = f"9 1 0:9 / /var/lib/docker/containers/{OTHER}/mounts/shm rw - tmpfs shm rw\n"


@pytest.mark.parametrize(
    ("mountinfo", "cgroup", "hostname", "found"),
    [
        (DOCKER, "0::/\n", "0123456789ab", (ID, "0123456789ab")),
        (DOCKER, "0::/\n", "gpu-pc", (ID,)),
        (DESKTOP, "", "gpu-pc", (ID,)),
        (PODMAN, "", "gpu-pc", (ID,)),
        ("", f"12:pids:/docker/{ID}\n1:name=systemd:/docker/{ID}\n", "gpu-pc", (ID,)),
        ("", f"0::/system.slice/docker-{ID}.scope\n", "gpu-pc", (ID,)),
        ("", f"0::/machine.slice/libpod-{ID}.scope/container\n", "gpu-pc", (ID,)),
        (MACHINE, "0::/user.slice\n", "gpu-pc", ()),
        ("", "", "0123456789ab", ("0123456789ab",)),
        ("", "", "", ()),
    ],
    ids=[
        "docker",
        "own hostname",
        "desktop",
        "podman",
        "cgroup 1",
        "systemd",
        "libpod",
        "machine",
        "hostname",
        "",
    ],
)
def test_what_tells_the_container_from_inside(
    mountinfo: str, cgroup: str, hostname: str, found: tuple[str, ...]
) -> None:
    assert candidates(mountinfo, cgroup, hostname) == found


def container(full_id: str = ID, name: str = "manager") -> Seen:
    return seen({"Id": full_id, "Name": name, "State": {"Running": True}, "Config": {}})


class Knows:
    """An Engine that knows some containers, and may be away at first."""

    def __init__(self, *containers: Seen, away: int = 0) -> None:
        self.containers = containers
        self.away = away
        self.asked: list[str] = []

    def inspect(self, container: str) -> Seen:
        self.asked.append(container)
        if len(self.asked) <= self.away:
            raise RuntimeAway("away")
        for one in self.containers:
            if one.id.startswith(container) or one.name == container:
                return one
        raise NotThere(404, "no such container")


def own(engine: Knows, *guesses: str, named: str | None = None) -> OwnContainer:
    return OwnContainer(engine, Site(container=named), lambda: guesses)  # type: ignore[arg-type]


def test_a_guess_is_believed_when_the_engine_knows_it() -> None:
    assert own(Knows(container()), OTHER, ID).seen() == container()


def test_a_container_of_another_engine_is_none_of_this_one() -> None:
    assert own(Knows(container()), OTHER).seen() is None


def test_a_hostname_that_is_another_containers_name_is_not_believed() -> None:
    assert own(Knows(container(name="abcdefabcdef")), "abcdefabcdef").seen() is None


def test_an_engine_that_was_away_is_asked_again() -> None:
    looked = own(Knows(container(), away=1), ID)
    with pytest.raises(RuntimeAway):
        looked.seen()

    assert looked.seen() == container()


def test_guesses_are_made_once_and_the_container_is_looked_at_each_time() -> None:
    engine = Knows(container())
    looked = own(engine, OTHER, ID)

    for _ in range(3):
        looked.seen()

    assert engine.asked == [OTHER, ID, ID, ID, ID]


def test_the_one_that_is_named_goes_before_every_guess() -> None:
    assert own(Knows(container(), container(OTHER, "b")), ID, named="b").seen() == container(OTHER, "b")


def test_none_is_none_whatever_is_guessed() -> None:
    assert own(Knows(container()), ID, named="none").seen() is None


def test_one_that_is_named_and_not_there_is_the_operators_to_correct() -> None:
    with pytest.raises(EngineFailed) as refused:
        own(Knows(), ID, named="manager").seen()

    assert refused.value.failure.reason is Reason.RUNTIME_UNAVAILABLE
    assert "SWITCHYARD_CONTAINER" in (refused.value.failure.advice or "")
