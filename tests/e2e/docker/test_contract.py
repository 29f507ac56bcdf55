"""The contract of a runtime, kept by real containers."""

from tests.manager.runtimes.contract import RuntimeContract


class TestContainers(RuntimeContract):
    pass
