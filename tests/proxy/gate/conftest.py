"""What the gate's tests share."""

import pytest

from tests.proxy.gate.gates import new_yards

yards = pytest.fixture(new_yards)
