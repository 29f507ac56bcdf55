"""The state folder: what must outlive the manager, and the lock that keeps it to one manager."""

import contextlib
import fcntl
import hmac
import os
import secrets
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from switchyard_manager.errors import AlreadyRunning, BadSetting


class StateFolder:
    """One installation's folder. Made private to its owner: it holds the token."""

    def __init__(self, root: Path, token_file: Path | None = None) -> None:
        self.root = root.expanduser().absolute()
        self._token_file = token_file
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(
                f"cannot make the state folder {self.root}: {error.strerror}; set SWITCHYARD_STATE to a folder"
                " that you may write"
            ) from error

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def token_file(self) -> Path:
        return self._token_file or self.root / "token"

    def installation(self) -> str:
        """What tells our processes from those of another installation on this machine."""
        return self._once(self.root / "installation", uuid.uuid4().hex)

    @property
    def database(self) -> Path:
        return self.root / "state.db"

    def run_keys(self) -> Callable[[str], str]:
        """The secret of a run of an engine, from its instance. Worked out, not kept: a manager that comes back
        knows it still."""
        key = self._once(self.root / "engine_key", secrets.token_hex(32)).encode()
        return lambda instance: hmac.new(key, instance.encode(), "sha256").hexdigest()

    def token(self) -> str:
        """The secret that manager and proxy share."""
        # In a place of its own others are to read it, who may be other users: whoever chose it chose its group.
        mode = 0o600 if self._token_file is None else 0o640
        try:
            return self._once(self.token_file, secrets.token_urlsafe(32), mode)
        except OSError as error:
            raise BadSetting(
                f"cannot keep the token in {self.token_file}: {error.strerror}; set SWITCHYARD_TOKEN_FILE to a"
                " file that this user may make and read, or SWITCHYARD_TOKEN to the token itself"
            ) from error

    def _once(self, file: Path, fresh: str, mode: int = 0o600) -> str:
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            return file.read_text().strip()
        with os.fdopen(descriptor, "w") as opened:
            opened.write(fresh + "\n")
        return fresh

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Keep every other manager off this folder meanwhile."""
        with (self.root / "manager.lock").open("a") as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise AlreadyRunning(
                    f"cannot start: another manager owns {self.root}; stop it with ./setup.sh down, or give"
                    " this one a folder of its own with SWITCHYARD_STATE"
                ) from error
            yield
