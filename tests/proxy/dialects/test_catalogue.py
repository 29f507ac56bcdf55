"""What holds for every dialect there is."""

import json

import pytest

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_proxy.dialects import catalogue
from switchyard_proxy.dialects.voice import Dialect
from tests.proxy.dialects.hearing import BROKEN, heard, opening

DIALECTS: list[Dialect] = [getattr(catalogue, name) for name in catalogue.__all__]
MODES = ["chunk", "comment", "reasoning", "off"]


def test_each_has_a_name_of_its_own() -> None:
    assert len({dialect.name for dialect in DIALECTS}) == len(DIALECTS) == 7


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("code", [ErrorCode.OVERLOADED, ErrorCode.MODEL_NOT_FOUND])
def test_an_error_of_ours_has_the_shape_that_may_pass_as_it_is(dialect: Dialect, code: ErrorCode) -> None:
    payload = dialect.error(ErrorBody.of(code, "cannot do that"))

    assert dialect.is_error(payload)
    assert "cannot do that" in json.dumps(json.loads(payload))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize(
    "payload", [b"too long", b'{"detail": "too long"}', b'{"error": {"message": "too long"}}']
)
def test_an_engines_error_is_put_into_that_shape_in_its_own_words(dialect: Dialect, payload: bytes) -> None:
    told = dialect.foreign(400, payload)

    assert dialect.is_error(told)
    assert b"too long" in told


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("mode", MODES)
def test_every_voice_ends_with_an_error_and_says_nothing_that_harms_a_reader(
    dialect: Dialect, mode: str
) -> None:
    voice = dialect.voice(opening(mode))

    said = voice.beat(15) + voice.beat(25) + voice.error(BROKEN)

    assert any("engine went away" in event.data for event in heard(said))
    assert not any(line.startswith((b"id:", b"retry:", b": ping")) for line in said.split(b"\n"))
    assert said.endswith(b"\n\n")
