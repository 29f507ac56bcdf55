"""What there is to know of this machine's Docker Engine before anything is started: for the doctor."""

from dataclasses import dataclass

from switchyard_manager.runtimes.docker.engine import Engine, EngineSaid
from switchyard_manager.runtimes.protocol import RuntimeAway


@dataclass(frozen=True, slots=True)
class DockerFacts:
    answers: bool
    version: str = ""
    nvidia_runtime: bool = False
    cdi: bool = False  # it knows NVIDIA's GPUs by the Container Device Interface
    problem: str = ""  # why it does not answer

    @property
    def gpus(self) -> bool:
        """Containers can be given GPUs."""
        return self.nvidia_runtime or self.cdi


def docker_facts(host: str | None = None) -> DockerFacts:
    """Blocking."""
    engine = Engine(host)
    try:
        about = engine.about()
    except (RuntimeAway, EngineSaid) as error:
        return DockerFacts(answers=False, problem=str(error))
    finally:
        engine.close()
    cdi = any(device.startswith("nvidia.com/gpu") for device in about.devices)
    return DockerFacts(answers=True, version=about.version, nvidia_runtime="nvidia" in about.runtimes, cdi=cdi)
