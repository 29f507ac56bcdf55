"""How this process takes memory for tensors from the system. Said once, before a model is loaded.

A tensor for which the C library asks the system costs as much again when it is first touched: the kernel zeroes
it, page by page. glibc learns from what is given back to keep such memory, but not where a tensor begins at a
page, as large ones do here: what it is asked for next is always a little more than what it has learnt. So it is
told three things at once: what is smaller than 32 MiB comes from its pool; up to 64 MiB that are free at the
pool's end stay there; and all threads share one pool, as a thread's own is made of pieces of 64 MiB. And torch
is told to ask for large pages.

That makes page faults fewer; it does not end them. The two tensors of 28 MiB at the end of a small picture cost
1,560 to 2,880 faults a picture more than the bare call without this, and 1 to 150 with it. A thread that holds
several such tensors at a time, or others besides, still has some: in a small program 1,578 to 5,786, of 10,521
without. Of the three, the shared pool alone makes them fewer for some sizes and more for others.
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
