"""F9, K4, K14, K16, K17, K22, K24: how containers are made and removed, and whose are never touched."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import Bind, ExistingSpec
from switchyard_manager.runtimes.docker import docker_facts
from switchyard_manager.runtimes.docker.engine import Conflict, Engine, EngineSaid
from tests.e2e.docker.conftest import PYTHON, DockerBench
from tests.manager.runtimes.benches import PROGRAM
from tests.manager.runtimes.contract import SERVES, Acts, Heard, run


async def inspected(bench: DockerBench, name: str) -> dict[str, Any]:
    told: list[dict[str, Any]] = json.loads(await bench.docker("inspect", name))
    return told[0]


async def test_it_is_made_private_without_privileges_and_reachable_on_loopback_only(
    bench: DockerBench, tmp_path: Path
) -> None:
    spec = bench.container_spec(
        secrets={"KEY": "hush-hush"},
        spec_hash="abc",
        shm_mib=128,
        memory_mib=512,
        volumes={f"switchyard-test-{bench.installation[:8]}": "/cache"},
    )
    await bench.runtime.start(spec, Heard())

    made = await inspected(bench, bench.name())

    host = made["HostConfig"]
    assert (host["Init"], host["IpcMode"], host["PidMode"], host["Privileged"]) == (True, "private", "", False)
    assert (host["CapDrop"], host["CapAdd"], host["SecurityOpt"]) == (["ALL"], None, ["no-new-privileges"])
    assert host["RestartPolicy"]["Name"] == "no"
    assert (host["ShmSize"], host["Memory"]) == (128 * 1024**2, 512 * 1024**2)
    assert host["LogConfig"]["Type"] == "json-file"
    assert "max-size" in host["LogConfig"]["Config"]
    assert list(made["NetworkSettings"]["Networks"]) == [f"switchyard-{bench.installation[:8]}"]
    assert [b["HostIp"] for b in made["NetworkSettings"]["Ports"]["8000/tcp"]] == ["127.0.0.1"]
    assert {mount["RW"] for mount in made["Mounts"] if mount["Type"] == "bind"} == {False}
    assert [mount["Destination"] for mount in made["Mounts"] if mount["Type"] == "volume"] == ["/cache"]
    assert made["Config"]["Labels"] == {
        "switchyard.installation": bench.installation,
        "switchyard.instance": "one-1",
        "switchyard.model": "one",
        "switchyard.spec-hash": "abc",
        "switchyard.gpus": "",
        "switchyard.port": "8000",
    }
    await bench.runtime.stop("one-1", grace_s=20)
    await bench.docker("volume", "rm", f"switchyard-test-{bench.installation[:8]}")


async def test_it_is_removed_once_its_log_is_copied(bench: DockerBench) -> None:
    await run(bench, Acts(exits=2, says=("last words",)))

    await bench.runtime.wait("one-1")

    assert bench.logs.current("one").read_text() == "last words\n"
    assert await bench.are_all_removed()


async def test_a_stop_ends_when_nothing_of_it_is_left(bench: DockerBench) -> None:
    await bench.answers(await run(bench))

    await bench.runtime.stop("one-1", grace_s=20)

    assert await bench.ours() == []


async def test_memory_beyond_the_limit_is_told_as_such(bench: DockerBench) -> None:
    await run(bench, Acts(eats_mib=400), memory_mib=64)

    exit_ = await bench.runtime.wait("one-1")

    assert (exit_.code, exit_.oom_killed) == (-9, True)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"binds": (Bind("/no/such/folder", "/models"),)}, Reason.MODEL_NOT_FOUND),
        ({"gpus": ("GPU-00000000-0000-0000-0000-000000000000",)}, Reason.NO_GPU_DRIVER),
        ({"memory_mib": 1}, Reason.BAD_ENGINE_ARGUMENT),
    ],
)
async def test_what_docker_refuses_is_explained_and_leaves_nothing(
    bench: DockerBench, more: dict[str, Any], reason: Reason
) -> None:
    if reason is Reason.NO_GPU_DRIVER and (await asyncio.to_thread(docker_facts)).gpus:
        pytest.skip("this machine's containers can have GPUs")

    with pytest.raises(EngineFailed, match="cannot start one: Docker said: ") as refused:
        await run(bench, **more)

    assert refused.value.failure.reason is reason
    assert await bench.ours() == []


async def test_a_folder_that_is_missing_is_not_made(bench: DockerBench, tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="bind source path does not exist"):
        await run(bench, binds=(Bind(str(tmp_path / "weights"), "/models"),))

    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_a_program_that_the_image_lacks_is_told_in_the_log(bench: DockerBench) -> None:
    await run(bench, entrypoint=("/no/such/program",))

    exit_ = await bench.runtime.wait("one-1")

    assert exit_.code == 127
    assert "/no/such/program failed: No such file or directory" in exit_.log_tail[-1]


async def test_a_secret_that_docker_quotes_is_not_passed_on(bench: DockerBench) -> None:
    with pytest.raises(EngineFailed) as refused:
        await run(bench, secrets={"": "hush-hush"})

    assert "hush-hush" not in refused.value.failure.message
    assert refused.value.__cause__ is None


async def test_two_managers_on_one_machine_never_touch_each_others(
    benches: Callable[[], DockerBench],
) -> None:
    mine, theirs = benches(), benches()
    for one in (mine, theirs):
        await one.answers(await run(one))

    await theirs.runtime.stop("one-1", grace_s=20)
    found = await theirs.another_runtime().recover()

    assert found == ()
    assert await mine.ours() == [mine.name()]
    assert await asyncio.to_thread(mine.runtime.processes, "one-1") != frozenset()


async def test_a_manager_that_was_killed_finds_its_engines_again(bench: DockerBench) -> None:
    endpoint = await run(bench, spec_hash="abc")
    await bench.answers(endpoint)
    anew = bench.another_runtime()

    (found,) = await anew.recover()

    assert (found.instance, found.model, found.spec_hash, found.gpus) == ("one-1", "one", "abc", ())
    assert found.endpoint == endpoint
    assert await asyncio.to_thread(anew.processes, "one-1") != frozenset()
    await anew.stop("one-1", grace_s=20)
    assert (await anew.wait("one-1")).code == 0


async def test_to_let_go_leaves_the_engines_running(bench: DockerBench) -> None:
    endpoint = await run(bench)
    await bench.answers(endpoint)

    await bench.runtime.close()

    assert await bench.answers(endpoint)
    assert await bench.ours() == [bench.name()]


async def test_a_log_goes_on_under_the_next_manager_without_a_gap_or_a_repetition(bench: DockerBench) -> None:
    await run(bench, Acts(exits=1, says=("the run before",)), instance="one-1")
    await bench.runtime.wait("one-1")
    await bench.answers(await run(bench, Acts(says=("first",)), instance="one-2"))
    await bench.runtime.close()
    anew = bench.another_runtime()
    (found,) = await anew.recover()

    await bench.answers(found.endpoint + "/say")
    await anew.stop("one-2", grace_s=20)

    assert bench.logs.current("one").read_text() == "first\nsomething was said\n"
    assert bench.logs.previous("one").read_text() == "the run before\n"


async def test_what_died_without_a_manager_is_removed_and_its_log_is_kept(bench: DockerBench) -> None:
    await bench.answers(await run(bench, Acts(says=("first",))))
    await bench.runtime.close()
    await bench.docker("kill", bench.name())
    anew = bench.another_runtime()

    found = await anew.recover()

    assert found == ()
    assert await bench.ours() == []
    assert bench.logs.current("one").read_text() == "first\n"


async def test_what_was_made_and_never_started_is_removed(bench: DockerBench) -> None:
    label = f"switchyard.installation={bench.installation}"
    await bench.docker("create", "--label", label, "--name", bench.name(), bench.image, "/bin/true")

    assert await bench.runtime.recover() == ()

    assert await bench.ours() == []


async def test_a_name_of_ours_that_is_taken_by_a_leftover_is_freed(bench: DockerBench) -> None:
    labels = {"switchyard.installation": bench.installation, "switchyard.instance": "one-1"}
    flags = [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]
    await bench.docker("create", *flags, "--name", bench.name(), bench.image, "/bin/true")

    endpoint = await run(bench)

    assert await bench.answers(endpoint)


async def test_a_name_that_a_stranger_took_is_left_to_him(bench: DockerBench) -> None:
    stranger = await bench.docker("create", "--name", bench.name(), bench.image, "/bin/true")

    with pytest.raises(EngineFailed, match="is not ours"):
        await run(bench)

    assert (await inspected(bench, bench.name()))["Id"] == stranger
    await bench.docker("rm", stranger)


async def test_many_first_starts_at_once_share_one_network(bench: DockerBench) -> None:
    async with asyncio.TaskGroup() as starting:
        for number in range(6):
            starting.create_task(run(bench, instance=f"m-{number}", model=f"m{number}"))

    label = f"label=switchyard.installation={bench.installation}"
    assert len((await bench.docker("network", "ls", "--quiet", "--filter", label)).split()) == 1


async def test_two_networks_of_the_name_which_a_killed_manager_left_do_no_harm(bench: DockerBench) -> None:
    name = f"switchyard-{bench.installation[:8]}"
    # The Engine's own race, made to happen: its command refuses a second one, its API need not.
    async with asyncio.TaskGroup() as making:
        for _ in range(20):
            label = {"switchyard.installation": bench.installation}
            making.create_task(asyncio.to_thread(_make_network, name, label))
    ids = (await bench.docker("network", "ls", "--quiet", "--filter", f"name={name}")).split()

    endpoint = await run(bench)

    assert len(ids) > 0
    assert await bench.answers(endpoint)
    assert len((await bench.docker("network", "ls", "--quiet", "--filter", f"name={name}")).split()) == 1


def _make_network(name: str, labels: dict[str, str]) -> None:
    engine = Engine()
    with contextlib.suppress(Conflict, EngineSaid):
        engine.make_network(name, labels)
    engine.close()


async def test_a_network_of_the_name_that_is_a_strangers_is_left_to_him(bench: DockerBench) -> None:
    name = f"switchyard-{bench.installation[:8]}"
    stranger = await bench.docker("network", "create", name)

    with pytest.raises(EngineFailed, match=f"a network {name} already, and it is not ours"):
        await run(bench)

    await bench.docker("network", "rm", stranger)


async def test_a_container_that_somebody_removed_has_ended(bench: DockerBench) -> None:
    await bench.answers(await run(bench))

    await bench.docker("rm", "--force", bench.name())

    await bench.runtime.wait("one-1")
    await bench.runtime.stop("one-1", grace_s=1)


async def test_a_removal_in_the_middle_of_a_stop_is_no_error(bench: DockerBench) -> None:
    await bench.answers(await run(bench, Acts(deaf=True)))

    async with asyncio.TaskGroup() as both:
        both.create_task(bench.runtime.stop("one-1", grace_s=0.2))
        both.create_task(bench.docker("rm", "--force", bench.name()))

    assert await bench.ours() == []


async def test_a_start_that_is_cancelled_leaves_nothing(bench: DockerBench) -> None:
    for turns in range(1, 60, 8):
        spec = bench.container_spec(instance=f"one-{turns}")
        async with asyncio.TaskGroup() as tasks:
            starting = tasks.create_task(bench.runtime.start(spec, Heard()))
            await asyncio.sleep(turns / 100)
            starting.cancel()
        if starting.cancelled():
            assert await bench.ours() == []
        else:
            await bench.runtime.stop(f"one-{turns}", grace_s=20)


async def existing(bench: DockerBench, acts: Acts = SERVES) -> ExistingSpec:
    """One that the operator made, and its description."""
    name = f"operators-own-{bench.installation[:8]}"
    spec = bench.container_spec(acts)
    binds = [f"--volume={bind.source}:{bind.target}:ro" for bind in spec.binds]
    await bench.docker(
        *("create", "--name", name, "--publish", "127.0.0.1::8000", *binds, "--entrypoint", PYTHON),
        *(bench.image, str(PROGRAM), *spec.command),
    )
    return ExistingSpec(instance="one-1", model="one", container=name, port=1)


async def test_an_operators_container_is_started_and_stopped_and_that_is_all(bench: DockerBench) -> None:
    spec = await existing(bench, Acts(says=("hello",)))
    before = await inspected(bench, spec.container)

    endpoint = await bench.runtime.start(spec, Heard())
    (port,) = (await inspected(bench, spec.container))["NetworkSettings"]["Ports"]["8000/tcp"]
    assert await bench.answers(f"http://127.0.0.1:{port['HostPort']}")
    await bench.runtime.stop("one-1", grace_s=20)

    after = await inspected(bench, spec.container)
    assert endpoint == "http://127.0.0.1:1"
    assert (after["Id"], after["Config"], after["HostConfig"]) == (
        *(before["Id"], before["Config"], before["HostConfig"]),
    )
    assert (after["State"]["Status"], (await bench.runtime.wait("one-1")).code) == ("exited", 0)
    assert bench.logs.current("one").read_text() == "hello\n"
    await bench.docker("rm", spec.container)


async def test_an_operators_container_that_runs_already_is_taken_as_it_is(bench: DockerBench) -> None:
    spec = await existing(bench, Acts(says=("long ago",)))
    await bench.docker("start", spec.container)
    (port,) = (await inspected(bench, spec.container))["NetworkSettings"]["Ports"]["8000/tcp"]
    await bench.answers(f"http://127.0.0.1:{port['HostPort']}")
    began = (await inspected(bench, spec.container))["State"]["StartedAt"]

    await bench.runtime.start(spec, Heard())
    await bench.answers(f"http://127.0.0.1:{port['HostPort']}/say")
    running = (await inspected(bench, spec.container))["State"]
    await bench.runtime.stop("one-1", grace_s=20)

    assert (running["Running"], running["StartedAt"]) == (True, began)
    assert bench.logs.current("one").read_text() == "something was said\n"
    assert await bench.another_runtime().recover() == ()
    await bench.docker("rm", spec.container)


async def test_an_operators_container_that_is_missing_is_explained(bench: DockerBench) -> None:
    with pytest.raises(EngineFailed, match="no container named no-such") as missing:
        await bench.runtime.start(
            ExistingSpec(instance="one-1", model="one", container="no-such", port=1), Heard()
        )

    assert "`container`" in missing.value.failure.advice


async def test_the_doctor_is_told_that_docker_answers() -> None:
    facts = await asyncio.to_thread(docker_facts)

    assert facts.answers
    assert facts.version


async def test_the_doctor_is_told_why_docker_does_not_answer() -> None:
    facts = await asyncio.to_thread(docker_facts, "unix:///no/such/docker.sock")

    assert not facts.answers
    assert "cannot reach the Docker Engine: " in facts.problem
