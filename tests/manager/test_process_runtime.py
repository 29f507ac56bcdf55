"""What the process runtime adds to the contract of `runtimes/contract.py`: nothing of ours survives.

Real processes.
"""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import psutil
import pytest

from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import ProcessSpec, leftovers
from switchyard_manager.runtimes.log_files import LogFiles
from switchyard_manager.runtimes.process import PORTS, WARDEN, ProcessRuntime

Spec = Callable[..., ProcessSpec]


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[ProcessRuntime]:
    made = ProcessRuntime(LogFiles(tmp_path / "logs"), f"test-{os.getpid()}-{tmp_path.name}")
    yield made
    await made.close()


@pytest.fixture
async def spec(runtime: ProcessRuntime, script: Path) -> Spec:
    listen = await runtime.listen()

    def make(*flags: str, instance: str = "one-1", model: str = "one") -> ProcessSpec:
        command = (sys.executable, str(script), "--port", str(listen.port), *flags)
        return ProcessSpec(instance=instance, model=model, command=command, listen=listen)

    return make


async def spec_of(runtime: ProcessRuntime, *command: str) -> ProcessSpec:
    return ProcessSpec(instance="x-1", model="x", command=command, listen=await runtime.listen())


def nobody(_: str) -> None:
    """Hears how far a start is."""


async def answer(endpoint: str) -> httpx.Response:
    async with httpx.AsyncClient() as http, asyncio.timeout(20):
        while True:
            try:
                return await http.get(endpoint + "/health")
            except httpx.ConnectError:
                await asyncio.sleep(0.02)


async def pid_of(endpoint: str) -> int:
    await answer(endpoint)
    async with httpx.AsyncClient() as http:
        return int((await http.post(endpoint + "/pid")).json()["pid"])


async def test_what_ignores_the_request_to_stop_is_killed_after_the_grace(
    runtime: ProcessRuntime, spec: Spec, gone: Callable[[int], bool]
) -> None:
    pid = await pid_of(await runtime.start(spec("--deaf"), nobody))

    await runtime.stop("one-1", grace_s=0.1)

    assert (await runtime.wait("one-1")).code == -signal.SIGKILL
    assert gone(pid)


async def test_a_stop_while_it_loads_does_not_wait_for_the_load(runtime: ProcessRuntime, spec: Spec) -> None:
    await runtime.start(spec("--load-s", "600", "--deaf"), nobody)

    await runtime.stop("one-1", grace_s=0.1)

    assert (await runtime.wait("one-1")).code is not None


async def test_a_child_in_a_session_of_its_own_goes_with_the_engine(
    runtime: ProcessRuntime, spec: Spec, tmp_path: Path, gone: Callable[[int], bool]
) -> None:
    await answer(await runtime.start(spec("--child", str(tmp_path / "child")), nobody))
    child = int((tmp_path / "child").read_text())
    assert psutil.pid_exists(child)

    await runtime.stop("one-1", grace_s=5)

    assert gone(child)


async def test_an_orphan_of_an_engine_that_died_is_buried(
    runtime: ProcessRuntime, spec: Spec, tmp_path: Path, gone: Callable[[int], bool]
) -> None:
    pid = await pid_of(await runtime.start(spec("--child", str(tmp_path / "child")), nobody))
    child = int((tmp_path / "child").read_text())

    os.kill(pid, signal.SIGKILL)

    assert (await runtime.wait("one-1")).code == -signal.SIGKILL
    assert gone(child)


async def test_a_program_that_is_not_there_is_told_in_the_log(runtime: ProcessRuntime) -> None:
    await runtime.start(await spec_of(runtime, "/no/such/program"), nobody)

    exit_ = await runtime.wait("x-1")

    assert exit_.code == 127
    assert exit_.log_tail == ("cannot run /no/such/program: No such file or directory",)


async def test_a_log_folder_that_cannot_be_made_is_an_engine_failure(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    runtime = ProcessRuntime(LogFiles(tmp_path / "logs"), "i")

    with pytest.raises(EngineFailed, match="cannot start a process for x"):
        await runtime.start(await spec_of(runtime, "true"), nobody)


async def test_our_own_secrets_are_not_handed_to_engines(
    runtime: ProcessRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHYARD_TOKEN", "secret")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    show = "import os; print(sorted(n for n in os.environ if n.startswith(('SWITCHYARD', 'HF_'))))"
    await runtime.start(await spec_of(runtime, sys.executable, "-c", show), nobody)

    assert (await runtime.wait("x-1")).log_tail == ("['SWITCHYARD_ENGINE_OF']",)


async def test_recovery_ends_what_an_earlier_manager_left_and_nothing_else(
    runtime: ProcessRuntime, gone: Callable[[int], bool]
) -> None:
    ours, others = await _orphan(runtime._installation), await _orphan("another-installation")

    try:
        assert await runtime.recover() == ()
        assert await asyncio.to_thread(gone, ours)
        assert psutil.pid_exists(others)
    finally:
        os.kill(others, signal.SIGKILL)


async def _orphan(installation: str) -> int:
    """A process of that installation whose parent is gone."""
    leave = await asyncio.create_subprocess_exec(
        *("sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!"),
        env=os.environ | {leftovers.ENGINE_MARK: installation},
        stdout=PIPE,
    )
    told, _ = await leave.communicate()
    return int(told)


# What vLLM's engine core does to its environment: it writes its title over it.
WITHOUT_A_MARK = "exec env -i sleep 600"


async def test_recovery_ends_what_lost_its_mark_by_the_log_that_it_speaks_into(
    runtime: ProcessRuntime, tmp_path: Path, gone: Callable[[int], bool]
) -> None:
    with LogFiles(tmp_path / "logs").fresh("m") as log, (tmp_path / "logs" / "up.log").open("wb") as services:
        ours = await asyncio.create_subprocess_exec("sh", "-c", WITHOUT_A_MARK, stdout=log, stderr=log)
        service = await asyncio.create_subprocess_exec("sh", "-c", WITHOUT_A_MARK, stdout=services)

    try:
        await runtime.recover()
        async with asyncio.timeout(10):
            await ours.wait()
        assert service.returncode is None
    finally:
        service.kill()
        await service.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the sweep at the next start does it")
async def test_what_an_engine_started_goes_even_when_its_warden_was_killed(
    runtime: ProcessRuntime, gone: Callable[[int], bool], tmp_path: Path
) -> None:
    told = tmp_path / "child"
    started = f"env -i sleep 600 & echo $! >{told}; wait"
    await runtime.start(await spec_of(runtime, "sh", "-c", started), nobody)
    while not (told.exists() and told.read_text().strip()):
        await asyncio.sleep(0.02)
    warden = runtime._runs["x-1"].process
    assert warden is not None

    warden.kill()
    exit_ = await runtime.wait("x-1")

    assert exit_.code == -signal.SIGKILL
    assert gone(int(told.read_text()))


def _guarded(script: Path, port: int, *flags: str) -> subprocess.Popen[bytes]:
    """An engine under a warden, as the runtime starts it."""
    return subprocess.Popen(
        [sys.executable, "-I", WARDEN, "--", sys.executable, script, "--port", str(port), *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )


def _engine_of(warden: int) -> int:
    while not (children := psutil.Process(warden).children()):
        pass
    return children[0].pid


def test_the_engine_goes_when_the_wardens_parent_vanishes(script: Path, gone: Callable[[int], bool]) -> None:
    with _guarded(script, 1, "--load-s", "600", "--deaf") as warden:
        engine = _engine_of(warden.pid)
        assert warden.stdin is not None

        warden.stdin.close()  # what the kernel does for a parent that was killed

        assert gone(engine)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the sweep at the next start does it")
def test_the_engine_goes_when_the_warden_itself_is_killed(script: Path, gone: Callable[[int], bool]) -> None:
    with _guarded(script, 1, "--load-s", "600", "--deaf") as warden:
        engine = _engine_of(warden.pid)

        warden.kill()

        assert gone(engine)


def test_a_ctrl_c_at_the_terminal_is_not_the_wardens_to_answer(
    script: Path, gone: Callable[[int], bool]
) -> None:
    with _guarded(script, 1, "--load-s", "600") as warden:
        engine = _engine_of(warden.pid)

        warden.send_signal(signal.SIGINT)
        warden.send_signal(signal.SIGTERM)

        assert warden.wait(timeout=10) in {0, 128 + signal.SIGTERM}
        assert gone(engine)


async def test_an_engine_gets_a_port_that_no_outgoing_connection_can_take_meanwhile(tmp_path: Path) -> None:
    runtime = ProcessRuntime(LogFiles(tmp_path), "here")

    ports = [(await runtime.listen()).port for _ in range(20)]

    assert all(port in PORTS for port in ports)


async def test_no_two_engines_are_given_one_port_before_either_has_taken_it(tmp_path: Path) -> None:
    runtime = ProcessRuntime(LogFiles(tmp_path), "here")

    ports = [(await runtime.listen()).port for _ in range(2_000)]

    assert len(set(ports)) == 2_000


async def test_two_managers_of_one_machine_do_not_go_through_ports_in_the_same_order(tmp_path: Path) -> None:
    one, other = (ProcessRuntime(LogFiles(tmp_path), name) for name in ("one", "other"))

    assert [await one.listen() for _ in range(5)] != [await other.listen() for _ in range(5)]
