"""Memory that is kept from one replication to the next."""

from __future__ import annotations

import ctypes

# malloc.h of glibc: the longest free stretch that stays with the process; from which size on memory is lent anew
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
KEPT = 2**30  # bytes; as mmap threshold glibc takes 2**25 at most


def keep() -> bool:
    """Tell glibc not to give freed memory back at once; whether it could be told.

    A replication takes and frees some tens of megabytes. Given back and lent anew, each page comes as zeros from the
    kernel, which costs a quarter of the time. For programs to call, since it holds for the whole process.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # another C library, or another system
        return False
    return bool(mallopt(TRIM_THRESHOLD, KEPT)) and bool(mallopt(MMAP_THRESHOLD, 2**25))
