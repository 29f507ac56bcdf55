"""Our own engine for image and vision models, and for text on a machine without vLLM."""

from collections.abc import Mapping

from switchyard_contracts.catalog import ImageServerArgs, Model
from switchyard_contracts.status import Failure
from switchyard_manager.engines import hub, inside, programs, progress, reasons
from switchyard_manager.engines.protocol import Probe, Run, SleepCalls, bearer, openai_canary
from switchyard_manager.places import Places
from switchyard_manager.runtimes import AnySpec, ContainerSpec, Exit, Kind, ProcessSpec

API_KEY = "SWITCHYARD_IMAGE_SERVER_API_KEY"


class ImageServerAdapter:
    def kind(self, model: Model, places: Places) -> Kind:
        return programs.where(model, places.image_server, places)

    def spec(self, model: Model, run: Run, places: Places) -> AnySpec:
        return _process(model, run, places) if run.kind is Kind.PROCESS else _container(model, run, places)

    def headers(self, model: Model, api_key: str) -> Mapping[str, str]:
        return bearer(api_key)

    def health(self, model: Model) -> Probe:
        return Probe("/health", timeout_s=2.0)

    def canary(self, model: Model) -> Probe | None:
        return openai_canary(model)

    def sleep(self, model: Model) -> SleepCalls | None:
        return None

    def progress(self, line: str) -> str | None:
        return progress.read(line)

    def vitals(self, model: Model) -> Probe | None:
        """None: it says whether it is busy, but counts no steps."""
        return None

    def work_done(self, vitals: str) -> float | None:
        return None

    def takes_what_it_gets(self, model: Model) -> bool:
        return False

    def explain(self, model: Model, exit_: Exit) -> Failure:
        return reasons.explain(model.name, exit_)


def _process(model: Model, run: Run, places: Places) -> ProcessSpec:
    programs.refuse_what_needs_a_container(model)
    command = programs.program(
        places.image_server,
        model=model.name,
        engine="the image server",
        advice="run ./setup.sh up, which installs it, or set SWITCHYARD_IMAGE_SERVER to its command",
    )
    return ProcessSpec(
        instance=run.instance,
        model=model.name,
        spec_hash=run.spec_hash,
        gpus=programs.own_gpus(model, run),
        command=(command, *_arguments(model, run, programs.weights(model, places))),
        listen=run.listen,
        env=programs.environment(model, run, places),
        secrets=_secrets(model, run, places),
    )


def _container(model: Model, run: Run, places: Places) -> ContainerSpec:
    weights, weights_bind = inside.weights(model, places)
    cache_bind, volumes = inside.hub_cache(places)
    return ContainerSpec(
        instance=run.instance,
        model=model.name,
        spec_hash=run.spec_hash,
        gpus=programs.own_gpus(model, run),
        image=model.image or places.image_server_image,
        port=run.listen.port,
        command=_arguments(model, run, weights),
        env={"HF_HOME": inside.HUB_CACHE, **hub.offline(places), **programs.open_part(model.env)},
        secrets=_secrets(model, run, places),
        binds=(*weights_bind, *cache_bind, *inside.mounts(model, places)),
        volumes=volumes,
        shm_mib=inside.SHM_MIB,
    )


def _secrets(model: Model, run: Run, places: Places) -> dict[str, str]:
    key = {API_KEY: run.api_key} if run.api_key else {}
    return hub.token(model.name, places) | programs.secret_part(model.env) | key


def _arguments(model: Model, run: Run, weights: str) -> tuple[str, ...]:
    return (
        *("--model", weights, "--served-model-name", model.name),
        *("--host", run.listen.host, "--port", str(run.listen.port)),
        *_flags(model),
        *model.extra_args,
    )


def _flags(model: Model) -> list[str]:
    flags = [] if model.context_length is None else ["--max-model-len", str(model.context_length)]
    if model.revision is not None:
        flags += ["--revision", model.revision]
    if isinstance(model.engine_args, ImageServerArgs):
        for name, value in model.engine_args.model_dump(exclude_none=True).items():
            flags += ["--" + name.replace("_", "-"), str(value)]
    return flags
