"""vLLM, the engine for text."""

from collections.abc import Mapping

from switchyard_contracts.catalog import Model, SleepPolicy, VllmArgs
from switchyard_contracts.status import Failure
from switchyard_manager.engines import (
    checkpoint,
    hub,
    inside,
    metrics,
    programs,
    progress,
    reasons,
    vllm_caches,
    vllm_lora,
    vllm_memory,
)
from switchyard_manager.engines.protocol import Call, Probe, Run, SleepCalls, bearer, openai_canary
from switchyard_manager.engines.vllm_flags import arguments, may_sleep
from switchyard_manager.places import Places
from switchyard_manager.runtimes import AnySpec, ContainerSpec, Exit, Kind, ProcessSpec

API_KEY = "VLLM_API_KEY"  # an environment variable: a flag shows in every list of processes
# Beyond its own limit vLLM gives up whatever we would allow. Ours is `startup_timeout_s`; this is the same for
# every run, as it is one of the variables by which vLLM names what it compiles.
READY_LIMIT, READY_LIMIT_S = "VLLM_ENGINE_READY_TIMEOUT_S", 86_400

# Its processes give themselves titles, and write them over the environment by which leftovers of ours are
# found.
KEEPS_ITS_MARK = {"SPT_NOENV": "1"}

# Level 1 keeps the weights in RAM. Level 2 drops them, and answers garbage if the way back is not just so.
SLEEP = SleepCalls(
    sleep=Call("POST", "/sleep?level=1", timeout_s=120.0),
    wake=Call("POST", "/wake_up", timeout_s=120.0),
    asks=Probe("/is_sleeping", timeout_s=5.0),
    key="is_sleeping",
)


class VllmAdapter:
    def settle(self, model: Model, places: Places) -> Model:
        return checkpoint.settle_by_files(model, places)

    def kind(self, model: Model, places: Places) -> Kind:
        return programs.where(model, places.vllm, places)

    def spec(self, model: Model, run: Run, places: Places) -> AnySpec:
        model = self.settle(model, places)
        return _process(model, run, places) if run.kind is Kind.PROCESS else _container(model, run, places)

    def headers(self, model: Model, api_key: str) -> Mapping[str, str]:
        return bearer(api_key)

    def health(self, model: Model) -> Probe:
        return Probe("/health", timeout_s=2.0)

    def canary(self, model: Model) -> Probe | None:
        return openai_canary(model)

    def sleep(self, model: Model) -> SleepCalls | None:
        """On a GPU `spec` opens these routes; without one they exist only where the model's `env` sets
        VLLM_SERVER_DEV_MODE, and sleeping frees nothing."""
        return SLEEP if model.sleep is SleepPolicy.AUTO else None

    def progress(self, line: str) -> str | None:
        return progress.read(line)

    def vitals(self, model: Model) -> Probe | None:
        return Probe("/metrics", timeout_s=5.0)

    def work_done(self, vitals: str) -> float | None:
        return metrics.work_done(vitals)

    def takes_what_it_gets(self, model: Model) -> bool:
        args = model.engine_args
        return not (isinstance(args, VllmArgs) and args.kv_cache_memory_bytes)

    def beside_cache_mib(self, log: str) -> int | None:
        return vllm_memory.beside_cache_mib(log)

    def explain(self, model: Model, exit_: Exit) -> Failure:
        return reasons.explain(model.name, exit_)


def _process(model: Model, run: Run, places: Places) -> ProcessSpec:
    programs.refuse_what_needs_a_container(model)
    command = programs.program(
        places.vllm,
        model=model.name,
        engine="vLLM",
        advice="install it (pip install vllm, in an environment of its own) and set SWITCHYARD_VLLM to its"
        ' command, or say "engine": "image-server" for this model in models.json',
    )
    weights = programs.weights(model, places)
    served = vllm_lora.adapters(model, places, in_container=False)
    return ProcessSpec(
        instance=run.instance,
        model=model.name,
        spec_hash=run.spec_hash,
        gpus=programs.own_gpus(model, run),
        command=(command, "serve", *arguments(model, run, weights, served)),
        listen=run.listen,
        env=_own_environment(model, run) | KEEPS_ITS_MARK | programs.environment(model, run, places),
        secrets=_secrets(model, run, places),
    )


def _container(model: Model, run: Run, places: Places) -> ContainerSpec:
    weights, weights_bind = inside.weights(model, places)
    image = model.image or places.vllm_image
    served = vllm_lora.adapters(model, places, in_container=True)
    own = _own_environment(model, run) | vllm_caches.environment(image) | inside.HUB
    binds = (adapter.bind for adapter in served if adapter.bind is not None)
    return ContainerSpec(
        instance=run.instance,
        model=model.name,
        spec_hash=run.spec_hash,
        gpus=programs.own_gpus(model, run),
        devices=run.devices,
        image=image,
        port=run.listen.port,
        command=arguments(model, run, weights, served),  # the image's entrypoint is `vllm serve`
        env=own | programs.open_part(model.env),
        secrets=_secrets(model, run, places),
        binds=(*weights_bind, *binds, inside.hub_cache(places), *inside.mounts(model, places)),
        volumes={vllm_caches.VOLUME: vllm_caches.FOLDER},
        shm_mib=inside.SHM_MIB,
    )


def _own_environment(model: Model, run: Run) -> dict[str, str]:
    env = {"VLLM_NO_USAGE_STATS": "1", READY_LIMIT: str(READY_LIMIT_S)}
    if may_sleep(model, run):
        env["VLLM_SERVER_DEV_MODE"] = "1"
    return env


def _secrets(model: Model, run: Run, places: Places) -> dict[str, str]:
    key = {API_KEY: run.api_key} if run.api_key else {}
    return hub.secrets(model, places) | programs.secret_part(model.env) | key
