"""F23: nothing counts how long a stream takes. A trickle outlasts every limit that there is, by far.

The limits are read off the table of settings, so that one which comes later is tried, too.
"""

import asyncio
from pathlib import Path

import pytest

from switchyard_proxy.settings import SETTINGS, read_settings
from tests.e2e.proxy.ground import ground_in
from tests.e2e.proxy.hearing import Verdict, ask, chat, judge

PIECES = 8  # one every one and a half seconds
LIMIT = "1"  # seconds, of everything
CLOCKS = ("x-stainless-timeout: 1", "x-stainless-read-timeout: 1", "x-switchyard-timeout-s: 1")


async def test_f23_a_trickle_outlasts_every_limit_that_can_be_set(tmp_path: Path) -> None:
    limits = {setting.name: LIMIT for setting in SETTINGS if setting.name.endswith("_s")}

    async with ground_in(tmp_path, **limits) as ground:
        asking = (
            chat("trickle", PIECES, ground.key, *CLOCKS),
            chat("trickle", PIECES, ground.key, *CLOCKS, "x-resumable: 1"),
        )
        heard = await asyncio.gather(*(ask(ground.proxy.port, request) for request in asking))

    assert len(limits) > 10
    assert [judge(one, PIECES) for one in heard] == [Verdict.WHOLE, Verdict.WHOLE]


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS if setting.name.endswith("_s")])
def test_a_limit_of_one_second_can_be_set(name: str) -> None:
    """Or the test above would try less than it says."""
    settings = read_settings([], {f"SWITCHYARD_{name.upper()}": LIMIT})

    assert getattr(settings, name) == 1
