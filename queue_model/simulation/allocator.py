"""Settings of the C library's memory allocator."""

from __future__ import annotations

import ctypes

# Parameters of mallopt in glibc's malloc.h: the largest free block at the top of the heap that the process keeps, and
# the size from which a block is mapped separately.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
KEPT = 2**30  # bytes
LARGEST_MMAP_THRESHOLD = 2**25  # bytes; glibc accepts no more


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory for reuse. Returns False where the C library has no such setting.

    A replication allocates and frees some tens of megabytes. If the memory is returned to the system, the kernel must
    clear each page when it is allocated again, which takes a quarter of the run time. The setting holds for the whole
    process, so programs call this, not libraries.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # another C library, or another system
        return False
    return bool(mallopt(TRIM_THRESHOLD, KEPT)) and bool(mallopt(MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD))
