"""Any image or existing container that speaks OpenAI. It needs a runtime that runs containers."""

from typing import NoReturn

from switchyard_contracts.catalog import Model
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.engines import reasons
from switchyard_manager.engines.protocol import Probe, openai_canary
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Exit, Listen


class ContainerAdapter:
    def run_spec(self, model: Model, instance: str, listen: Listen, places: Places) -> NoReturn:
        wanted = f"the container {model.container!r}" if model.container else f"the image {model.image!r}"
        raise EngineFailed.because(
            Reason.RUNTIME_UNAVAILABLE,
            f"cannot start {model.name}: it needs {wanted}, and this manager runs engines as processes",
            "this version has no container runtime yet; give the model a `path` or `repo` and another `engine`",
        )

    def health(self) -> Probe:
        return Probe("/health", timeout_s=2.0)

    def canary(self, model: Model) -> Probe:
        return openai_canary(model)

    def explain(self, model: Model, exit_: Exit) -> Failure:
        return reasons.explain(model.name, exit_)
