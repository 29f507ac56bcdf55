"""What to run for a model, and how to tell that it serves. One adapter for each kind of engine.

An adapter turns a model of the catalog into a `Spec` of a runtime, names the probes that prove it ready, and
reads its failures. It starts nothing itself.
"""

from switchyard_contracts.catalog import Engine
from switchyard_manager.engines.container import ContainerAdapter
from switchyard_manager.engines.identity import spec_hash
from switchyard_manager.engines.image_server import ImageServerAdapter
from switchyard_manager.engines.protocol import Adapter, Call, Probe, Run, Share, SleepCalls
from switchyard_manager.engines.vllm import VllmAdapter

ADAPTERS: dict[Engine, Adapter] = {
    Engine.VLLM: VllmAdapter(),
    Engine.IMAGE_SERVER: ImageServerAdapter(),
    Engine.CONTAINER: ContainerAdapter(),
}

__all__ = ["ADAPTERS", "Adapter", "Call", "Probe", "Run", "Share", "SleepCalls", "spec_hash"]
