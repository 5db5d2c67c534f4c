"""Freed memory is kept for reuse."""

from __future__ import annotations

import subprocess
import sys

COUNT_FAULTS = """
import resource, sys
import numpy as np
from queue_model.simulation import allocator
if "keep" in sys.argv:
    assert allocator.keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(2_000_000)
before = faults()
for _ in range(20):
    np.ones(2_000_000)
print(faults() - before)
"""


def page_faults(*arguments: str) -> int:
    command = [sys.executable, "-c", COUNT_FAULTS, *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_pages_are_not_allocated_again() -> None:
    """Sixteen megabytes, twenty times: thousands of page faults each time, or none."""
    assert page_faults("keep") < 1000
