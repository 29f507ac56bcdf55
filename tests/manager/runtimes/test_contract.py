"""The contract of a runtime, kept by the fake and by real processes. Containers keep it in tests/e2e/docker."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from switchyard_manager.runtimes.log_files import LogFiles
from tests.manager.runtimes.benches import FakeBench, ProcessBench
from tests.manager.runtimes.contract import RuntimeContract


class TestTheFake(RuntimeContract):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[FakeBench]:
        made = FakeBench(LogFiles(tmp_path / "logs"))
        yield made
        await made.runtime.close()


class TestProcesses(RuntimeContract):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[ProcessBench]:
        made = ProcessBench(LogFiles(tmp_path / "logs"), f"test-{os.getpid()}-{tmp_path.name}")
        yield made
        await made.runtime.close()
