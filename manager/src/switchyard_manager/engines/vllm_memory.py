"""How vLLM is told what it may take of its GPUs. Pure.

By a share it measures for itself what is left for its cache. Of that measuring nothing may be in the way:
whoever frees memory on the same GPU meanwhile ends it. So what it found is kept, and the next start of the same
specification on the same kind of GPU is told the cache's size outright: it comes out the same each time.

The size of the weights' files does not do for that. What vLLM needs beside them (activations of its largest
step, graphs, libraries) it alone can tell, and a cache that is told too large takes the memory of a neighbour.
"""

import math
import re

from switchyard_contracts.catalog import VllmArgs
from switchyard_manager.engines.protocol import Share

MIB, GIB = 2**20, 2**30
ROUNDED_MIB = 6  # its line gives the share in hundredths of a GiB
LEAST_SHARE = 0.02  # of the claim: with less for the cache it had better measure, and say what is wrong

# One from each worker; the first size is the one that keeps to the share.
LINE = re.compile(
    r"Desired GPU memory utilization is \([\d.]+, (?P<share>[\d.]+) GiB\)\..*?"
    r"--kv-cache-memory=(?P<cache>\d+)\D"
)


def flags(share: Share | None, beside_mib: int | None, args: VllmArgs) -> tuple[str, ...]:
    """`beside_mib`: what it was seen to need beside its cache."""
    if share is None or args.gpu_memory_utilization is not None:
        return ()
    # Beside a size, too: vLLM's check at the start goes by the share all the same.
    by_share = ("--gpu-memory-utilization", _hundredths(share))
    if args.kv_cache_memory_bytes is not None or beside_mib is None:
        return by_share
    cache_mib = share.claim_mib - beside_mib
    if cache_mib < LEAST_SHARE * share.claim_mib:
        return by_share
    return (*by_share, "--kv-cache-memory-bytes", str(cache_mib * MIB))


def beside_cache_mib(log: str) -> int | None:
    """What each GPU had to hold beside the cache, the fullest of them, as vLLM's own words tell. None: they do
    not."""
    found = [
        math.ceil((float(line["share"]) * GIB - int(line["cache"])) / MIB) + ROUNDED_MIB
        for line in LINE.finditer(log)
    ]
    return max((mib for mib in found if mib > 0), default=None)


def _hundredths(share: Share) -> str:
    """Rounded up: an engine that gets a little less than its claim may not fit."""
    hundredths = min(100, -(-share.claim_mib * 100 // share.total_mib))
    return f"{hundredths / 100:.2f}"
