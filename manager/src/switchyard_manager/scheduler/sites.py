"""Which GPUs a model could run on: sets by UUID, before anybody asks whether there is room."""

from itertools import combinations, islice

from switchyard_contracts.catalog import Model, VllmArgs
from switchyard_contracts.status import Phase
from switchyard_manager.scheduler.seen import Machine, Seen

Site = tuple[str, ...]
MOST_SETS = 300  # of a machine with so many GPUs that trying all would take long
NO_GPU: Site = ()


def sites(model: Model, view: Seen, machine: Machine) -> tuple[Site, ...]:
    """Every set it could take; none if this machine lacks the GPUs that it asks for."""
    if view.phase is Phase.ASLEEP:
        return (view.gpus,)  # its memory is bound to them
    if isinstance(model.gpus, tuple):
        return (model.gpus,) if all(map(machine.gpu, model.gpus)) else ()
    count = gpu_count(model)
    if count == 0 or (model.gpus is None and not machine.gpus and not machine.blind):
        return (NO_GPU,)
    return tuple(islice(combinations((gpu.uuid for gpu in machine.gpus), count), MOST_SETS))


def gpu_count(model: Model) -> int:
    if isinstance(model.gpus, tuple):
        return len(model.gpus)
    if model.gpus is not None:
        return model.gpus
    args = model.engine_args
    if not isinstance(args, VllmArgs):
        return 1
    return (
        (args.tensor_parallel_size or 1) * (args.pipeline_parallel_size or 1) * (args.data_parallel_size or 1)
    )
