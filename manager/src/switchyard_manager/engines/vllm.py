"""vLLM, the engine for text."""

import json
from collections.abc import Iterator

from switchyard_contracts.catalog import Model, VllmArgs
from switchyard_contracts.status import Failure
from switchyard_manager.engines import programs, reasons
from switchyard_manager.engines.protocol import Probe, openai_canary
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Exit, Listen, RunSpec


class VllmAdapter:
    def run_spec(self, model: Model, instance: str, listen: Listen, places: Places) -> RunSpec:
        command = programs.program(
            places.vllm,
            model=model.name,
            engine="vLLM",
            advice="install it (pip install vllm, in an environment of its own) and set SWITCHYARD_VLLM to its"
            ' command, or say "engine": "image-server" for this model in models.json',
        )
        return RunSpec(
            instance=instance,
            label=model.name,
            command=(
                *(command, "serve", programs.weights(model, places)),
                *("--served-model-name", model.name),
                *("--host", listen.host, "--port", str(listen.port)),
                *_flags(model),
                *model.extra_args,
            ),
            listen=listen,
            env={"VLLM_NO_USAGE_STATS": "1"} | programs.environment(model),
        )

    def health(self) -> Probe:
        return Probe("/health", timeout_s=2.0)

    def canary(self, model: Model) -> Probe:
        return openai_canary(model)

    def explain(self, model: Model, exit_: Exit) -> Failure:
        return reasons.explain(model.name, exit_)


def _flags(model: Model) -> Iterator[str]:
    if model.revision is not None:
        yield from ("--revision", model.revision)
    if model.context_length is not None:
        yield from ("--max-model-len", str(model.context_length))
    if isinstance(model.engine_args, VllmArgs):
        for name, value in model.engine_args.model_dump(exclude_none=True).items():
            yield from _flag("--" + name.replace("_", "-"), value)


def _flag(flag: str, value: object) -> tuple[str, ...]:
    match value:
        case True:
            return (flag,)
        case False:
            return (flag.replace("--", "--no-", 1),)
        case dict() | list():
            return (flag, json.dumps(value))
        case _:
            return (flag, str(value))
