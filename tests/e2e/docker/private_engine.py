"""A Docker Engine of a test's own, to be killed and started again. Needs root on Linux.

It has a network of its own as well: no bridge, rule or address of this machine's is touched, and nothing here
reaches its containers but by itself. As where it is installed, what holds the containers (containerd) is a
program apart, which the Engine's death leaves alone.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

UP_WITHIN_S = 45
GONE_WITHIN_S = 150  # what a disk is still to be given is written first
NEEDED = ("dockerd", "containerd", "unshare", "nsenter", "ip")


@dataclass
class PrivateEngine:
    live_restore: bool
    network: str | None = None  # a named network namespace of this machine; None: one of its own
    storage: str = "vfs"  # works everywhere; overlay2 does not copy an image for each container
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="sy-", dir="/tmp")))
    process: subprocess.Popen[bytes] | None = None
    holder: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    async def start(self) -> None:
        await asyncio.to_thread(self._launch)
        async with asyncio.timeout(UP_WITHIN_S):
            while not await asyncio.to_thread(self._answers):
                assert self.process is not None
                assert self.process.poll() is None, self._told()
                await asyncio.sleep(0.1)

    def _launch(self) -> None:
        (self.folder / "pid").unlink(missing_ok=True)
        if self.holder is None:
            (self.folder / "containerd.toml").write_text(
                f'version = 2\nroot = "{self.folder}/c/root"\nstate = "{self.folder}/c/state"\n'
                f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{self.folder}/c.sock"\n'
            )
            with_loopback = 'ip link set lo up && exec containerd --config "$0"'
            entry = ("unshare", "--net")
            if self.network is not None:
                entry = ("nsenter", f"--net=/run/netns/{self.network}")
            self.holder = self._run(*entry, "sh", "-c", with_loopback, self.folder / "containerd.toml")
            while not (self.folder / "c.sock").exists():
                assert self.holder.poll() is None, self._told()
                threading.Event().wait(0.05)
        self.process = self._run(
            *("nsenter", f"--net=/proc/{self.holder.pid}/ns/net"),
            *("dockerd", "--host", self.host, "--containerd", self.folder / "c.sock"),
            *("--storage-driver", self.storage),
            *("--data-root", self.folder / "data", "--exec-root", self.folder / "exec"),
            *("--pidfile", self.folder / "pid", *(["--live-restore"] if self.live_restore else [])),
        )

    def _run(self, *command: str | Path) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def _answers(self) -> bool:
        asked = subprocess.run(["docker", "--host", self.host, "version"], capture_output=True, check=False)
        return asked.returncode == 0

    def _told(self) -> str:
        return (self.folder / "log").read_text()[-2000:]

    def put_on_a_disk(self, mib: int) -> Path:
        """Everything that it keeps, before its first start: the folder of a disk of that size."""
        place, disk = self.folder / "data", self.folder / "disk"
        place.mkdir()
        with disk.open("wb") as file:
            file.truncate(mib * 2**20)
        for command in (("mkfs.ext4", "-q", "-m", "0", disk), ("mount", "-o", "loop", disk, place)):
            subprocess.run(command, check=True, capture_output=True)
        return place

    async def kill(self) -> None:
        """At once, as a power cut would; what runs in containers is not asked."""
        await asyncio.to_thread(self._end, signal.SIGKILL)

    def _end(self, how: int) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=UP_WITHIN_S)

    def clean_up(self) -> None:
        # First those who start others, and then until nobody is left whom they had just started.
        for ours in (self.process, self.holder):
            if ours is not None:
                ours.kill()
        while self._kill_all():
            threading.Event().wait(0.1)
        for ours in (self.process, self.holder):
            if ours is not None:
                ours.wait(timeout=GONE_WITHIN_S)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((m for m in mounts if m.startswith(str(self.folder))), reverse=True):
            subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _kill_all(self) -> bool:
        """Whether there was anybody. The shims, which hold a container each, name the folder."""
        found = False
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if not any(str(self.folder) in word for word in process.cmdline()):
                    continue
                found = True
                containers = process.children(recursive=True)
                process.kill()
                for container in containers:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        container.kill()
        return found


def needs_one_of_its_own() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux may start a Docker Engine of its own")
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        pytest.skip(f"a Docker Engine of its own needs {', '.join(missing)}")
