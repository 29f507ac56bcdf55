"""What a client of the server sees when something between the machines breaks, and when it is whole again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.e2e.proxy.hearing import Heard, Verdict, chat, error_in, judge, numbers
from tests.e2e.proxy.processes import OPERATOR
from tests.e2e.two_machines.conftest import PROXY, Lan
from tests.e2e.two_machines.machines import ends

LONG = 60  # pieces of a stream: three seconds


@asynccontextmanager
async def while_a_stream_runs(lan: Lan, pieces: int = LONG) -> AsyncIterator[asyncio.Task[Heard]]:
    assert judge(await lan.chat(1), 1) is Verdict.WHOLE  # it is warm
    async with asyncio.TaskGroup() as own:
        stream = own.create_task(lan.chat(pieces))
        await asyncio.sleep(0.5)
        assert not stream.done()
        yield stream


async def test_killing_the_manager_cuts_no_stream(lan: Lan) -> None:
    async with while_a_stream_runs(lan) as stream:
        await asyncio.to_thread(lan.manager.end, signal.SIGKILL)
        before = await stream
        during = await lan.chat(3)
    port = await asyncio.to_thread(lan.engine_port)

    await asyncio.to_thread(lan.manager.launch)
    await asyncio.to_thread(lan.until_met)

    assert judge(before, LONG) is Verdict.WHOLE
    assert judge(during, 3) is Verdict.WHOLE  # by the grant that the proxy still holds
    assert judge(await lan.chat(3), 3) is Verdict.WHOLE
    assert await asyncio.to_thread(lan.engine_port) == port  # the same engine, taken over


async def test_a_cable_that_was_out_for_a_while_costs_a_stream_nothing_but_time(lan: Lan) -> None:
    async with while_a_stream_runs(lan) as stream:
        lan.gpu.plug(connected=False)
        await asyncio.sleep(1.5)
        assert not stream.done()
        lan.gpu.plug(connected=True)

    assert judge(stream.result(), LONG) is Verdict.WHOLE


async def test_a_request_that_comes_while_the_cable_is_out_is_answered_afterwards(lan: Lan) -> None:
    assert judge(await lan.chat(1), 1) is Verdict.WHOLE
    lan.gpu.plug(connected=False)
    async with asyncio.TaskGroup() as own:
        asked = own.create_task(lan.chat(3))
        await asyncio.sleep(1.0)
        assert not asked.done()
        lan.gpu.plug(connected=True)

    assert judge(asked.result(), 3) is Verdict.WHOLE


async def test_a_gate_that_is_killed_breaks_its_streams_and_never_ends_them_politely(lan: Lan) -> None:
    async with while_a_stream_runs(lan) as stream:
        await asyncio.to_thread(lan.gate.end, signal.SIGKILL)
    heard = stream.result()
    meanwhile = await lan.chat(3)
    await asyncio.to_thread(lan.gate.launch)

    assert judge(heard, LONG) is Verdict.TOLD
    assert error_in(heard)["code"] == "stream_broken"
    assert 0 < len(numbers(heard.events)) < LONG
    assert (meanwhile.status, error_in(meanwhile)["code"]) == (502, "backend_unavailable")
    assert judge(await lan.chat(3), 3) is Verdict.WHOLE


async def test_an_engine_that_dies_behind_the_gate_breaks_its_stream_and_is_started_anew(lan: Lan) -> None:
    async with while_a_stream_runs(lan) as stream:
        pid = (await asyncio.to_thread(lan.container))["State"]["Pid"]
        os.kill(pid, signal.SIGKILL)
    heard = stream.result()

    assert judge(heard, LONG) is Verdict.TOLD
    assert error_in(heard)["code"] == "stream_broken"
    assert judge(await lan.chat(3), 3) is Verdict.WHOLE


async def test_a_client_that_leaves_is_gone_on_the_other_machine(lan: Lan) -> None:
    assert judge(await lan.chat(1), 1) is Verdict.WHOLE
    client = await asyncio.to_thread(lan.server.connect, "127.0.0.1", PROXY)
    client.sendall(chat("count", 400, OPERATOR))
    await asyncio.to_thread(client.recv, 10)
    pid = lan.gate.process.pid if lan.gate.process else 0
    assert await asyncio.to_thread(used, lan, pid) == 1

    client.close()

    async with asyncio.timeout(2.0):
        while await asyncio.to_thread(used, lan, pid):
            await asyncio.sleep(0.05)


def used(lan: Lan, pid: int) -> int:
    """Connections between gate and engine that are not idle: those would be kept."""
    return len([end for end in ends(lan.gpu, pid) if end == f"127.0.0.1:{lan.engine_port()}"])


async def test_a_gate_with_another_token_lets_nobody_in_and_says_why(lan: Lan) -> None:
    assert judge(await lan.chat(1), 1) is Verdict.WHOLE
    await asyncio.to_thread(lan.gate.end, signal.SIGTERM)
    await asyncio.to_thread(lambda: lan.gate.launch(token="another"))
    heard = await lan.chat(3)
    await asyncio.to_thread(lan.gate.end, signal.SIGTERM)
    await asyncio.to_thread(lan.gate.launch)

    assert (heard.status, error_in(heard)["code"]) == (403, "engine_key_refused")
    assert "the same token" in error_in(heard)["message"]
    assert judge(await lan.chat(3), 3) is Verdict.WHOLE


async def test_a_proxy_with_another_token_is_told_nothing_and_tells_its_clients(lan: Lan) -> None:
    await asyncio.to_thread(lan.proxy.end, signal.SIGTERM)
    await asyncio.to_thread(lambda: lan.proxy.launch(token="another", manager_wait_s="1"))
    heard = await lan.chat(3)
    await asyncio.to_thread(lan.proxy.end, signal.SIGTERM)
    await asyncio.to_thread(lan.proxy.launch)
    await asyncio.to_thread(lan.until_met)

    assert heard.status == 503
    assert error_in(heard)["code"] == "manager_unavailable"
    assert judge(await lan.chat(3), 3) is Verdict.WHOLE


async def test_a_gate_that_is_told_to_stop_stops(lan: Lan) -> None:
    await asyncio.to_thread(lan.gate.end, signal.SIGTERM)
    code = lan.gate.process.returncode if lan.gate.process else None
    await asyncio.to_thread(lan.gate.launch)

    assert code == 0
