"""Any image or existing container that speaks OpenAI. Of what is inside we know nothing but that."""

from collections.abc import Mapping

from switchyard_contracts.catalog import Model, ModelType
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.engines import inside, programs, progress, reasons
from switchyard_manager.engines.protocol import Probe, Run, SleepCalls, openai_canary
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places
from switchyard_manager.runtimes import AnySpec, ContainerSpec, ExistingSpec, Exit, Kind

USUAL_PORT = 8000


class ContainerAdapter:
    def settle(self, model: Model, places: Places) -> Model:
        return model

    def kind(self, model: Model, places: Places) -> Kind:
        return Kind.DOCKER

    def spec(self, model: Model, run: Run, places: Places) -> AnySpec:
        if run.kind is not Kind.DOCKER:
            _refuse(model)
        gpus = programs.own_gpus(model, run)
        port = model.port or USUAL_PORT
        if model.container is not None:
            return ExistingSpec(
                instance=run.instance,
                model=model.name,
                spec_hash=run.spec_hash,
                gpus=gpus,
                container=model.container,
                port=port,
            )
        return ContainerSpec(
            instance=run.instance,
            model=model.name,
            spec_hash=run.spec_hash,
            gpus=gpus,
            devices=run.devices,
            image=model.image or "",
            port=port,
            command=model.extra_args,
            env=programs.open_part(model.env),
            secrets=programs.secret_part(model.env),
            binds=inside.mounts(model, places),
            shm_mib=inside.SHM_MIB,
        )

    def headers(self, model: Model, api_key: str) -> Mapping[str, str]:
        """None: how a foreign program is given a key, if it takes one, nobody told us."""
        return {}

    def health(self, model: Model) -> Probe:
        """Not every server that speaks OpenAI has a `/health`; nearly all list their models, and those that do
        not (text-embeddings-inference, whisper.cpp) say so once they are up."""
        return Probe("/v1/models", timeout_s=5.0, missing_will_do=True)

    def canary(self, model: Model) -> Probe | None:
        """No picture of a foreign server: what is small for one, the next refuses, or paints for minutes."""
        return None if model.type is ModelType.IMAGE else openai_canary(model)

    def sleep(self, model: Model) -> SleepCalls | None:
        return None

    def progress(self, line: str) -> str | None:
        return progress.read(line)

    def vitals(self, model: Model) -> Probe | None:
        return None

    def work_done(self, vitals: str) -> float | None:
        return None

    def takes_what_it_gets(self, model: Model) -> bool:
        return False

    def beside_cache_mib(self, log: str) -> int | None:
        return None

    def explain(self, model: Model, exit_: Exit) -> Failure:
        return reasons.explain(model.name, exit_)


def _refuse(model: Model) -> None:
    wanted = f"the container {model.container!r}" if model.container else f"the image {model.image!r}"
    raise EngineFailed.because(
        Reason.RUNTIME_UNAVAILABLE,
        f"cannot start {model.name}: it needs {wanted}, and this manager runs engines as processes",
        "see that Docker runs and that SWITCHYARD_RUNTIME is not process",
    )
