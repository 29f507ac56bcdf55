"""The log: a line for each thing that somebody may want to know, as text or JSON; none for what went well.

Whoever logs about a request gives `extra=about(account)`, or names what it knows: `request`, `model`, `key`.
"""

import logging
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TextIO

import msgspec

from switchyard_proxy.accounting.account import Account, Outcome

ABOUT = ("request", "model", "key")  # what a line may say of a request, beside its words
SLOW_LOAD_S = 10.0
ALIKE = 3  # lines of a batch that say the same, before the rest are only counted
LOUD = {Outcome.ENGINE_ERROR: logging.WARNING, Outcome.FAILED: logging.WARNING, Outcome.REFUSED: logging.INFO}

log = logging.getLogger(__name__)


def set_up(form: str, stream: TextIO | None = None, level: int = logging.INFO, program: str = "proxy") -> None:
    """For the whole process; `form` is `text` or `json`. What other libraries say goes the same way."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines(program))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("websockets").setLevel(logging.WARNING)


class TextLines(logging.Formatter):
    """For a person: what is known of the request stands at the end."""

    def __init__(self, program: str) -> None:
        super().__init__(f"%(asctime)s {program} %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- the library's name
        said = " ".join(f"{name}={_on_one_line(value)}" for name, value in _about(record).items())
        line = super().formatMessage(record)
        return f"{line} ({said})" if said else line


class JsonLines(logging.Formatter):
    """For a program: one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name.removeprefix("switchyard_"),
            "message": record.getMessage(),
            **_about(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def about(account: Account) -> Mapping[str, str]:
    """For `extra`."""
    return {"request": account.id, "model": account.model or account.asked, "key": account.key}


def _about(record: logging.LogRecord) -> dict[str, str]:
    known = vars(record)
    return {name: str(known[name]) for name in ABOUT if known.get(name)}


def _on_one_line(value: str) -> str:
    """Names come from clients, who must not be able to forge a line."""
    return value if value.isprintable() else value.encode("unicode_escape").decode()


def _utc(seconds: float) -> str:
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{milliseconds:03d}Z"


class Narrator:
    """Tells of requests that failed, and of those that waited long for their model."""

    def __init__(self, slow_load_s: float = SLOW_LOAD_S) -> None:
        self._slow_load_s = slow_load_s

    def tell(self, accounts: Iterable[Account]) -> None:
        """A batch at a time: what is said often is said a few times, and then counted."""
        said: Counter[tuple[int, str, str]] = Counter()
        for account in accounts:
            line = line_of(account, self._slow_load_s)
            if line is None:
                continue
            level, words = line
            alike = (level, account.key, f"{account.route} {account.status} {account.code}")
            said[alike] += 1
            if said[alike] <= ALIKE:
                log.log(level, "%s", words, extra=about(account))
        for (level, key, what), count in said.items():
            if count > ALIKE:
                log.log(level, "%d more like these: %s", count - ALIKE, what, extra={"key": key})


def line_of(account: Account, slow_load_s: float) -> tuple[int, str] | None:
    """What there is to say of a request, and how loud; None: nothing."""
    level = LOUD.get(account.outcome)
    if level is not None:
        why = f": {account.code}" if account.code else ""
        words = account.outcome.replace("_", " ")
        return level, f"{account.route} ended with {account.status}, {words}{why}{_after(account)}"
    if account.load_s is not None and account.load_s >= slow_load_s:
        return logging.INFO, f"{account.route} waited {account.load_s:.1f} s for its model{_after(account)}"
    return None


def _after(account: Account) -> str:
    return "" if account.total_s is None else f", after {account.total_s:.2f} s"
