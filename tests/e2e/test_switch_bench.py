"""The switch bench once through, with real engines: two demo models that sleep and wake in turn."""

from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from bench.switch import lines
from bench.switch.split import Mode, Part

pytestmark = pytest.mark.timeout(300)


def test_it_measures_a_wake_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (lines.IMAGE_SERVER_ENV / "switchyard-image-server").exists():
        pytest.skip("the image server is not installed; ./setup.sh test does it")
    monkeypatch.setattr(lines, "NAPS", 2)
    line = next(
        lines.lines(tmp_path, {"SWITCHYARD_IMAGE_SERVER_IMAGE": "none", "SWITCHYARD_VLLM_IMAGE": "none"})
    )
    chat = replace(line.rivals[0], long=None)
    two = (replace(chat, name="one"), replace(chat, name="two"))
    entries = dict.fromkeys(("one", "two"), line.entries["chat"])

    rows = replace(line, rivals=two, entries=entries).rows(tmp_path / "run", Mode.SLEEP, rounds=1)

    assert [row.name for row in rows] == ["two → one", "one → two"]
    for row in rows:
        (switch,) = row.switches
        assert set(switch.took) == {Part.TURN, Part.DRAIN, Part.FREE, Part.RISE, Part.CANARY, Part.FIRST}
        assert 0 < switch.ours_s < switch.whole_s
        assert all(switch.own_s(part) > 0 for part in (Part.FREE, Part.RISE, Part.CANARY, Part.FIRST))
    place = str(tmp_path)
    assert [
        one for one in psutil.process_iter(["cmdline"]) if place in " ".join(one.info["cmdline"] or ())
    ] == []
