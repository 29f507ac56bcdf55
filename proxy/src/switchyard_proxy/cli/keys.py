"""`switchyard-proxy keys`: making and revoking keys on this machine. Works on the file; no proxy need run.

A proxy that runs sees the change within a second or two.
"""

import argparse
import datetime as dt
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from switchyard_proxy.access.callers import Limits, Role
from switchyard_proxy.access.first_key import first_key_file
from switchyard_proxy.access.key_file import KeyFile
from switchyard_proxy.access.keys import KeyRecord, make_key
from switchyard_proxy.errors import ProxyError

DAY_S = 24 * 3600
STATE = ".switchyard"
COLUMNS = ("NAME", "ROLE", "KEY", "STATE", "MODELS", "LIMITS", "EXPIRES", "ID")


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0, 1 if it could not be done, 2 for arguments that make no sense."""
    try:
        given = _parser().parse_args(arguments)
    except SystemExit as asked:  # argparse has said why
        return asked.code if isinstance(asked.code, int) else 2
    folder = Path(given.state or os.environ.get("SWITCHYARD_STATE") or STATE).expanduser() / "proxy"
    try:
        status: int = given.run(folder, given)
    except (ProxyError, OSError) as error:
        sys.stderr.write(f"switchyard-proxy keys: {error}\n")
        return 1
    return status


def _add(folder: Path, given: argparse.Namespace) -> int:
    now = time.time()
    plain, key = make_key(given.name, now)
    record = replace(
        plain,
        role=Role[given.role.upper()],
        models=frozenset(given.model) if given.model else None,
        limits=Limits(given.rpm, given.concurrent, given.tokens_per_day),
        priority=given.priority,
        expires_at=None if given.expires_days is None else now + given.expires_days * DAY_S,
    )
    KeyFile(folder).add(record, now)
    if given.json:
        _say_json(_shown(record, now) | {"key": key})
    else:
        _say(key)
        sys.stderr.write(f"made the key `{record.name}`; it is shown this once and kept nowhere\n")
    return 0


def _list(folder: Path, given: argparse.Namespace) -> int:
    now = time.time()
    records = KeyFile(folder).read().records
    if given.json:
        _say_json({"keys": [_shown(record, now) for record in records]})
    elif records:
        _say(_table([COLUMNS, *(_row(record, now) for record in records)]))
    else:
        sys.stderr.write(f"no key is kept in {folder}; make one with `switchyard-proxy keys add NAME`\n")
    return 0


def _revoke(folder: Path, given: argparse.Namespace) -> int:
    now = time.time()
    record = KeyFile(folder).revoke(given.name, now)
    if given.json:
        _say_json(_shown(record, now))
    else:
        _say(f"revoked the key `{record.name}` ({record.prefix}…)")
    return 0


def _show_first(folder: Path, given: argparse.Namespace) -> int:
    path = first_key_file(folder)
    if not path.exists():
        sys.stderr.write(
            f"switchyard-proxy keys: cannot find a first key in {folder}: the proxy makes one when it first"
            " starts with keys on and none made; or make one with `keys add NAME --role admin`\n"
        )
        return 1
    key = path.read_text(encoding="utf-8").strip()
    if KeyFile(folder).read().caller_of(key.encode(), time.time()) is None:
        sys.stderr.write(f"switchyard-proxy keys: cannot use the key in {path} any more: it was revoked\n")
        return 1
    if given.json:
        _say_json({"key": key})
    else:
        _say(key)
    return 0


def _shown(record: KeyRecord, now: float) -> dict[str, Any]:
    shown = asdict(record) | {
        "role": record.role.name.lower(),
        "models": None if record.models is None else sorted(record.models),
        "state": _state(record, now),
    }
    del shown["digest"]
    return shown


def _state(record: KeyRecord, now: float) -> str:
    if record.revoked_at is not None:
        return "revoked"
    return "live" if record.is_live(now) else "expired"


def _row(record: KeyRecord, now: float) -> tuple[str, ...]:
    limits = record.limits
    parts = (
        (limits.requests_per_minute, "a minute"),
        (limits.concurrent, "at once"),
        (limits.tokens_per_day, "tokens a day"),
    )
    return (
        record.name,
        record.role.name.lower(),
        f"{record.prefix}…",
        _state(record, now),
        "all" if record.models is None else ", ".join(sorted(record.models)),
        ", ".join(f"{limit} {what}" for limit, what in parts if limit is not None) or "none",
        "never" if record.expires_at is None else _date(record.expires_at),
        record.id,
    )


def _date(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _say_json(shown: object) -> None:
    _say(json.dumps(shown, indent=2))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="switchyard-proxy keys", description="The keys that clients of the proxy send.", allow_abbrev=False
    )
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument(
        "--state", help=f"Folder for what lasts. Default: {STATE}. Also: SWITCHYARD_STATE.", metavar="FOLDER"
    )
    everywhere.add_argument("--json", action="store_true", help="Answer in JSON.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("add", parents=[everywhere], help="Make a key and show it, once.")
    _arguments_of_add(add)
    add.set_defaults(run=_add)
    listing = commands.add_parser("list", parents=[everywhere], help="Every key that was made.")
    listing.set_defaults(run=_list)
    revoke = commands.add_parser("revoke", parents=[everywhere], help="Let a key open nothing any more.")
    revoke.add_argument("name", help="Its name or its id.")
    revoke.set_defaults(run=_revoke)
    show = commands.add_parser("show-first", parents=[everywhere], help="The key made at the first start.")
    show.set_defaults(run=_show_first)
    return parser


def _arguments_of_add(add: argparse.ArgumentParser) -> None:
    add.add_argument("name", help="What to call it: whose it is, or what for.")
    add.add_argument(
        "--role",
        choices=[role.name.lower() for role in Role],
        default="use",
        help="What it may do: ask models (use), load and unload them too (operate), everything (admin).",
    )
    add.add_argument("--model", action="append", help="A model that it may use; again for more. Default: all.")
    add.add_argument("--rpm", type=int, metavar="N", help="Requests that it may make a minute.")
    add.add_argument("--concurrent", type=int, metavar="N", help="Requests that it may run at the same time.")
    add.add_argument("--tokens-per-day", type=int, metavar="N", help="Tokens that it may use a day (UTC).")
    add.add_argument("--priority", type=int, default=0, metavar="N", help="Its place in queues, -100 to 100.")
    add.add_argument(
        "--expires-days", type=float, metavar="N", help="Days that it is good for. Default: no end."
    )
