"""How this process takes memory from the system, and what of it it keeps. Said once, before a model is loaded.

A tensor for which the C library asks the system costs as much again when it is first touched: the kernel zeroes
it, page by page. glibc learns from what is given back to keep such memory, but not where a tensor begins at a
page, as large ones do here: what it is asked for next is always a little more than what it has learnt. So it is
told at once what it would come to: tensors of up to 32 MiB come from memory that it keeps, 64 MiB of it at most
when nothing is in use. Larger ones go back to the system when they are done, which large pages make cheap.

All threads share one pool. A thread's own one is made of pieces of 64 MiB, and such a tensor is mostly too
large for what is left of a piece. There is one thread that makes tensors, so nobody stands in another's way.
"""

import contextlib
import ctypes
import os

# Makes torch ask the system for pages of 2 MiB for tensors in RAM; it looks at its first one.
LARGE_PAGES = "THP_MEM_ALLOC_ENABLE"
# Of glibc's `mallopt`, and the most that it allows.
TRIM_THRESHOLD, MMAP_THRESHOLD, POOLS = -1, -3, -8
KEPT = 32 * 2**20


def settle_memory() -> None:
    """Before there is a second thread. What the environment says already stays; other C libraries have no such
    thing.
    """
    os.environ.setdefault(LARGE_PAGES, "1")
    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    with contextlib.suppress(AttributeError, OSError, TypeError):
        tell = ctypes.CDLL(None).mallopt
        tell(POOLS, 1)
        tell(MMAP_THRESHOLD, KEPT)
        tell(TRIM_THRESHOLD, 2 * KEPT)
