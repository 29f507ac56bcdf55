"""Our own engine for image and vision models, and for text on a machine without vLLM."""

from switchyard_contracts.catalog import ImageServerArgs, Model
from switchyard_contracts.status import Failure
from switchyard_manager.engines import programs, reasons
from switchyard_manager.engines.protocol import Probe, openai_canary
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Exit, Listen, RunSpec


class ImageServerAdapter:
    def run_spec(self, model: Model, instance: str, listen: Listen, places: Places) -> RunSpec:
        command = programs.program(
            places.image_server,
            model=model.name,
            engine="the image server",
            advice="run ./setup.sh up, which installs it, or set SWITCHYARD_IMAGE_SERVER to its command",
        )
        return RunSpec(
            instance=instance,
            label=model.name,
            command=(
                command,
                *("--model", programs.weights(model, places)),
                *("--served-model-name", model.name),
                *("--host", listen.host, "--port", str(listen.port)),
                *_flags(model),
                *model.extra_args,
            ),
            listen=listen,
            env=programs.environment(model),
        )

    def health(self) -> Probe:
        return Probe("/health", timeout_s=2.0)

    def canary(self, model: Model) -> Probe:
        return openai_canary(model)

    def explain(self, model: Model, exit_: Exit) -> Failure:
        return reasons.explain(model.name, exit_)


def _flags(model: Model) -> list[str]:
    flags = [] if model.context_length is None else ["--max-model-len", str(model.context_length)]
    if model.revision is not None:
        flags += ["--revision", model.revision]
    if isinstance(model.engine_args, ImageServerArgs):
        for name, value in model.engine_args.model_dump(exclude_none=True).items():
            flags += ["--" + name.replace("_", "-"), str(value)]
    return flags
