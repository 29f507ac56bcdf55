"""How a loaded model lives on its device: where each component is, cheaper ways to live, sleep and wake.

All but `report` happens on the worker thread, and never while a request is inside the model, except that
`Turns` moves components between the stages of one.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before torch

# isort: split
import torch

from switchyard_image_server.errors import Busy
from switchyard_image_server.memory.gauge import Gauge, host_room
from switchyard_image_server.memory.park import Berth, bytes_of, why_not_parkable, wraps_tensors
from switchyard_image_server.memory.parts import Machine, Part, Role
from switchyard_image_server.memory.plan import Plan, cheaper
from switchyard_image_server.memory.report import Component, MemoryReport, Turned
from switchyard_image_server.memory.turns import Turns
from switchyard_image_server.settings import Placing

MOVING = frozenset({Role.ENCODER, Role.DENOISER})


@dataclass(slots=True)
class _Tenant:
    part: Part
    module: Any
    berth: Berth | None = None
    offloaded: bool = False  # its weights stay on the host, and visit the device group by group


class Residence:
    """Made empty; `house` takes the components in as they are loaded, and `open` begins the plan's placing."""

    def __init__(
        self, plan: Plan, machine: Machine, gauge: Gauge, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._plan = plan
        self._machine = machine
        self._gauge = gauge
        self._clock = clock
        self._tenants: list[_Tenant] = []
        self._placing = Placing.RESIDENT
        self._strict = False
        self._turns: Turns | None = None
        self._asleep = False
        self._report = MemoryReport(
            machine.device,
            plan.placing,
            plan.strongest,
            plan.reason,
            expected_peak=plan.expected_peak,
            device_total=machine.total,
        )

    @property
    def report(self) -> MemoryReport:
        """May be asked from any thread, and answers at once."""
        return self._report

    def house(self, part: Part, module: Any) -> None:
        """Straight to where it will live, so that loading needs no more room than running."""
        tenant = _Tenant(part, module)
        self._tenants.append(tenant)
        if part.role in MOVING and self._plan.placing is Placing.GROUP_OFFLOAD:
            module.to("cpu")
        elif self._comes_and_goes(part.role):
            self._berth(tenant).leave()
        elif self._plan.parks and not self._machine.shares and why_not_parkable(module) is None:
            berth = self._berth(tenant)
            berth.leave()  # what was quantised is on the device already: not twice
            berth.board()
        elif not self._is_there(module):
            module.to(self._machine.device)

    def _comes_and_goes(self, role: Role) -> bool:
        if self._plan.placing is not Placing.ENCODER_SWAP:
            return False
        return role is Role.ENCODER or (self._plan.turns and role is Role.DENOISER)

    def _is_there(self, module: Any) -> bool:
        """What bitsandbytes loaded is, and must not be told to move."""
        device = torch.device(self._machine.device).type
        return all(one.device.type == device for one in module.parameters())

    def open(self) -> None:
        """All components are here: begin the placing that was planned."""
        self._settle(self._plan.placing, strict=self._plan.turns)
        self._gauge.release()
        self._gauge.restart()
        self._refresh()

    def step_down(self, why: str) -> str | None:
        """Apply the next cheaper strategy in place, and say so; `None` when there is none.

        The failed run's tensors must have been let go of.
        """
        parts = [tenant.part for tenant in self._tenants]
        for placing in cheaper(self._placing, turns=self._strict, machine=self._machine, parts=parts):
            if not self._possible(placing):
                continue
            self._settle(placing, strict=placing is self._placing)
            self._gauge.release()
            note = f"after {why}, {_DONE[placing]}"
            self._report = replace(self._report, stepped_down=(*self._report.stepped_down, note))
            self._refresh()
            return note
        return None

    def run_ended(self) -> None:
        """After each run: what it took is known now, and kept if it is the most so far."""
        most = max(self._gauge.peak(), self._report.measured_peak or 0)
        self._report = replace(self._report, measured_peak=most, device_free=self._gauge.room()[0])

    def sleep(self) -> None:
        """Give the device's memory back. Raises `Busy` with a reason, and stays awake, where it cannot."""
        if self._asleep:
            return
        why_not = self._why_not_sleep()
        if why_not is not None:
            raise Busy(f"cannot fall asleep: {why_not}")
        began = self._clock()
        leaving = [self._berth(tenant) for tenant in self._tenants if not tenant.offloaded]
        freed = sum(berth.bytes for berth in leaving if berth.aboard)
        for berth in leaving:
            berth.leave()
        self._gauge.release()
        self._asleep = True
        self._turned(Turned("asleep", self._clock() - began, freed, self._nothing_to_free()))

    def wake(self) -> None:
        """One copy for each component. Stays asleep if it raises."""
        if not self._asleep:
            return
        began = self._clock()
        boarding = [tenant.berth for tenant in self._first_needed() if tenant.berth is not None]
        try:
            for berth in boarding:
                berth.board()
            self._gauge.settle()
        except Exception:
            for berth in boarding:
                berth.leave()
            self._gauge.release()
            raise
        self._asleep = False
        self._turned(Turned("awake", self._clock() - began, sum(berth.bytes for berth in boarding)))

    def _nothing_to_free(self) -> str | None:
        if any(tenant.offloaded for tenant in self._tenants):
            return "offloaded components were asleep already: their weights are in host memory between steps"
        return None

    def _first_needed(self) -> Iterator[_Tenant]:
        """Those that live on the device between requests, in the order in which a request needs them."""
        order = sorted(self._tenants, key=lambda tenant: tenant.part.role is not Role.ENCODER)
        swaps = self._placing is Placing.ENCODER_SWAP
        for tenant in order:
            if not tenant.offloaded and not (swaps and tenant.part.role is Role.ENCODER):
                yield tenant

    def _why_not_sleep(self) -> str | None:
        if self._plan.why_not_park is not None:
            return self._plan.why_not_park
        reasons = (why_not_parkable(tenant.module) for tenant in self._tenants if not tenant.offloaded)
        return next((reason for reason in reasons if reason is not None), None)

    def _possible(self, placing: Placing) -> bool:
        """Whether the host has room for what would move there."""
        if placing is Placing.TILED:
            return any(hasattr(vae.module, "enable_tiling") for vae in self._of(Role.VAE))
        moving = self._of(Role.ENCODER) if placing is Placing.ENCODER_SWAP else self._moving()
        if any(why_not_parkable(tenant.module) is not None for tenant in moving):
            return False
        needed = sum(bytes_of(tenant.module) for tenant in moving if tenant.berth is None)
        return needed <= host_room()[0] // 2

    def _settle(self, placing: Placing, *, strict: bool) -> None:
        self._make_berths(placing, strict=strict)  # what can fail comes first: until here the old placing holds
        if self._turns is not None:
            self._turns.close()
            self._turns = None
        if placing is not Placing.RESIDENT:
            for vae in self._of(Role.VAE):
                if hasattr(vae.module, "enable_tiling"):
                    vae.module.enable_tiling()
        if placing is Placing.ENCODER_SWAP:
            self._turns = Turns(
                [(tenant.module, self._berth(tenant)) for tenant in self._of(Role.ENCODER)],
                [(tenant.module, self._berth(tenant)) for tenant in self._of(Role.DENOISER)] if strict else (),
                before=[tenant.module for tenant in self._of(Role.DENOISER)],
            )
        if placing is Placing.GROUP_OFFLOAD:
            for tenant in self._moving():
                self._offload(tenant)
        self._placing, self._strict = placing, strict

    def _make_berths(self, placing: Placing, *, strict: bool) -> None:
        if placing is Placing.ENCODER_SWAP:
            for tenant in self._moving() if strict else self._of(Role.ENCODER):
                self._berth(tenant)
        if placing is Placing.GROUP_OFFLOAD:
            for tenant in self._moving():
                if _moors(tenant):
                    self._berth(tenant)

    def _offload(self, tenant: _Tenant) -> None:
        """Block by block, but an encoder leaf by leaf: its blocks would never be let go of."""
        from diffusers.hooks import apply_group_offloading  # which language models have no use for

        tenant.offloaded = True
        if _moors(tenant):
            self._berth(tenant).moor()
        else:
            tenant.module.to("cpu")
        streams = tenant.berth is not None and tenant.berth.pinned
        leaves = tenant.part.role is Role.ENCODER
        apply_group_offloading(
            tenant.module,
            onload_device=torch.device(self._machine.device),
            offload_device=torch.device("cpu"),
            offload_type="leaf_level" if leaves else "block_level",
            num_blocks_per_group=None if leaves else 1,
            use_stream=streams,
            non_blocking=streams,
            record_stream=streams,
        )

    def _berth(self, tenant: _Tenant) -> Berth:
        if tenant.berth is None:
            tenant.berth = Berth(tenant.module, self._machine.device, pin=self._plan.pins)
        return tenant.berth

    def _of(self, role: Role) -> Sequence[_Tenant]:
        return [tenant for tenant in self._tenants if tenant.part.role is role]

    def _moving(self) -> Sequence[_Tenant]:
        return [tenant for tenant in self._tenants if tenant.part.role in MOVING]

    def _turned(self, turned: Turned) -> None:
        self._report = replace(self._report, turned=turned)
        self._refresh()

    def _refresh(self) -> None:
        berths = [tenant.berth for tenant in self._tenants if tenant.berth is not None]
        why_not = self._why_not_sleep()
        self._report = replace(
            self._report,
            placing=self._placing,
            vae_tiling=self._placing is not Placing.RESIDENT,
            components=tuple(self._told(tenant) for tenant in self._tenants),
            device_free=self._gauge.room()[0],
            can_sleep=why_not is None,
            why_not_sleep=why_not,
            parked_bytes=sum(berth.bytes for berth in berths),
            pinned=bool(berths) and all(berth.pinned for berth in berths),
        )

    def _told(self, tenant: _Tenant) -> Component:
        part = tenant.part
        how = self._plan.quantization.get(part.name)
        size = part.bytes if how is None else part.quantized(how)
        return Component(part.name, part.class_name, size, str(how or part.dtype), self._place(tenant))

    def _place(self, tenant: _Tenant) -> str:
        if tenant.offloaded:
            return "host, in groups to the device"
        if self._asleep:
            return "host"
        if self._placing is Placing.ENCODER_SWAP and tenant.part.role is Role.ENCODER:
            return "device, while it encodes"
        if self._strict and tenant.part.role is Role.DENOISER:
            return "device, but while the text encoder is there"
        return "device"


def _moors(tenant: _Tenant) -> bool:
    return why_not_parkable(tenant.module) is None and not wraps_tensors(tenant.module)


_DONE = {
    Placing.TILED: "the VAE works in tiles",
    Placing.ENCODER_SWAP: "the text encoder leaves the device when it has encoded",
    Placing.GROUP_OFFLOAD: "weights come to the device group by group",
}
