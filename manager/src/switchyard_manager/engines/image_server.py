"""Our own engine for image and vision models, and for text on a machine without vLLM."""

from collections.abc import Iterator, Mapping

from switchyard_contracts.catalog import ImageServerArgs, Model, SleepPolicy
from switchyard_contracts.status import Failure
from switchyard_manager.engines import hub, inside, metrics, programs, progress, reasons
from switchyard_manager.engines.protocol import Call, Probe, Run, SleepCalls, bearer, openai_canary
from switchyard_manager.places import Places
from switchyard_manager.runtimes import AnySpec, ContainerSpec, Exit, Kind, ProcessSpec

API_KEY = "SWITCHYARD_IMAGE_SERVER_API_KEY"

# Its weights stay in RAM; whether they can is for the server to find out, which refuses to sleep if not.
SLEEP = SleepCalls(
    sleep=Call("POST", "/sleep", timeout_s=120.0),
    wake=Call("POST", "/wake", timeout_s=120.0),
    asks=Probe("/is_sleeping", timeout_s=5.0),
    key="is_sleeping",
)
# As flags they have only a --no-… form, the others only a plain one.
ON_UNLESS_TOLD = frozenset({"park", "labels"})


class ImageServerAdapter:
    def settle(self, model: Model, places: Places) -> Model:
        return model

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
        args = _args(model)
        return SLEEP if model.sleep is SleepPolicy.AUTO and args.park is not False else None

    def progress(self, line: str) -> str | None:
        return progress.read(line)

    def vitals(self, model: Model) -> Probe | None:
        return Probe("/metrics", timeout_s=5.0)

    def work_done(self, vitals: str) -> float | None:
        return metrics.image_server_work(vitals)

    def takes_what_it_gets(self, model: Model) -> bool:
        return False

    def beside_cache_mib(self, log: str) -> int | None:
        return None

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
    return ContainerSpec(
        instance=run.instance,
        model=model.name,
        spec_hash=run.spec_hash,
        gpus=programs.own_gpus(model, run),
        devices=run.devices,
        image=model.image or places.image_server_image,
        port=run.listen.port,
        command=_arguments(model, run, weights),
        env=inside.HUB | programs.open_part(model.env),
        secrets=_secrets(model, run, places),
        binds=(*weights_bind, inside.hub_cache(places), *inside.mounts(model, places)),
        shm_mib=inside.SHM_MIB,
    )


def _secrets(model: Model, run: Run, places: Places) -> dict[str, str]:
    key = {API_KEY: run.api_key} if run.api_key else {}
    return hub.secrets(model, places) | programs.secret_part(model.env) | key


def _arguments(model: Model, run: Run, weights: str) -> tuple[str, ...]:
    return (
        *("--model", weights, "--served-model-name", model.name),
        *("--host", run.listen.host, "--port", str(run.listen.port)),
        *_flags(model),
        *model.extra_args,
    )


def _flags(model: Model) -> Iterator[str]:
    args = _args(model)
    if model.context_length is not None:
        yield from ("--max-model-len", str(model.context_length))
    if model.revision is not None:
        yield from ("--revision", model.revision)
    if model.vram_mib is not None:
        yield from ("--max-vram-mib", str(model.vram_mib))
    # What never sleeps needs no copy to wake from.
    if model.sleep is SleepPolicy.OFF and args.park is None:
        yield "--no-park"
    for name, value in args.model_dump(exclude_none=True).items():
        yield from _flag(name, value)


def _flag(name: str, value: object) -> Iterator[str]:
    flag = "--" + name.replace("_", "-")
    match value:
        case bool():
            if value is not (name in ON_UNLESS_TOLD):
                yield flag if value else flag.replace("--", "--no-", 1)
        case dict():
            for key, inner in value.items():
                yield from (flag, f"{key}={inner}")
        case _:
            yield from (flag, str(value))


def _args(model: Model) -> ImageServerArgs:
    return model.engine_args if isinstance(model.engine_args, ImageServerArgs) else ImageServerArgs()
