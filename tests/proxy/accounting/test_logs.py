"""Lines say what happened, to which request; what went well is not worth one."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from switchyard_proxy.accounting.account import Account, Outcome
from switchyard_proxy.accounting.logs import ALIKE, Narrator, about, line_of, set_up
from tests.proxy.accounting.samples import account


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    names = ("", "uvicorn", "uvicorn.error", "uvicorn.access", "websockets")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger, logger.level, list(logger.handlers), logger.propagate) for logger in loggers]
    yield
    for logger, level, handlers, propagate in before:
        logger.level, logger.propagate = level, propagate
        logger.handlers[:] = handlers


def failed(**more: object) -> Account:
    return account(outcome=Outcome.FAILED, status=502, code="backend_unavailable", **more)


def test_a_json_line_has_what_a_program_needs() -> None:
    out = io.StringIO()
    set_up("json", out)

    logging.getLogger("switchyard_proxy.wire").warning(
        "cannot %s", "go on", extra=about(account(id="r", key="k"))
    )

    line = json.loads(out.getvalue())
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "proxy.wire",
        "message": "cannot go on",
        "request": "r",
        "model": "qwen3",
        "key": "k",
    }


def test_an_exception_stays_on_its_json_line() -> None:
    out = io.StringIO()
    set_up("json", out)

    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("switchyard_proxy").exception("a fault")

    assert len(out.getvalue().splitlines()) == 1
    assert "ValueError: two" in json.loads(out.getvalue())["exception"]


def test_a_text_line_ends_with_what_is_known_of_the_request() -> None:
    out = io.StringIO()
    set_up("text", out)

    logging.getLogger("a").info("hello", extra={"request": "r", "model": "", "key": None})
    logging.getLogger("a").info("alone")

    first, second = out.getvalue().splitlines()
    assert first.endswith("proxy INFO hello (request=r)")
    assert second.endswith("proxy INFO alone")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", ["uvicorn", "uvicorn.error", "uvicorn.access"])
def test_the_servers_own_lines_go_the_same_way_and_only_once(form: str, name: str) -> None:
    out, elsewhere = io.StringIO(), io.StringIO()
    logging.getLogger(name).addHandler(logging.StreamHandler(elsewhere))
    logging.getLogger(name).propagate = False
    set_up(form, out)

    logging.getLogger(name).warning("from the server")

    assert out.getvalue().count("from the server") == 1
    assert elsewhere.getvalue() == ""


def test_control_characters_of_a_client_cannot_forge_a_json_line() -> None:
    out = io.StringIO()
    set_up("json", out)

    logging.getLogger("a").warning("x", extra={"request": 'a\n{"level":"error"}\u2028'})

    assert len(out.getvalue().split("\n")) == 2


def test_a_model_name_with_line_ends_cannot_forge_a_text_line() -> None:
    out = io.StringIO()
    set_up("text", out)

    Narrator().tell([failed(model="", asked="x\n2026 proxy ERROR forged")])

    assert len(out.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    ("account", "level", "words"),
    [
        (
            failed(),
            logging.WARNING,
            "/v1/chat/completions ended with 502, failed: backend_unavailable, after 6.50 s",
        ),
        (
            account(outcome=Outcome.ENGINE_ERROR, status=400, ended=None),
            logging.WARNING,
            "/v1/chat/completions ended with 400, engine error",
        ),
        (
            account(outcome=Outcome.REFUSED, status=404, code="model_not_found", ended=50.0),
            logging.INFO,
            "/v1/chat/completions ended with 404, refused: model_not_found, after 0.00 s",
        ),
        (
            account(leased=90.0, ended=95.0),
            logging.INFO,
            "/v1/chat/completions waited 39.5 s for its model, after 45.00 s",
        ),
    ],
)
def test_failures_and_long_waits_are_told(account: Account, level: int, words: str) -> None:
    assert line_of(account, 10.0) == (level, words)


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.CLIENT_LEFT, Outcome.CANCELLED])
def test_what_went_well_or_was_wanted_is_not_told(outcome: Outcome) -> None:
    assert line_of(account(outcome=outcome), 10.0) is None


def test_what_is_said_often_is_said_a_few_times_and_then_counted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Narrator().tell([*(failed() for _ in range(50)), failed(key="other")])

    assert len(caplog.records) == ALIKE + 2
    assert f"{50 - ALIKE} more like these" in caplog.text
