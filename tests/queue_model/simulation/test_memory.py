"""Memory that is kept."""

from __future__ import annotations

import subprocess
import sys

ASK = """
import resource, sys
import numpy as np
from queue_model.simulation import memory
if "keep" in sys.argv:
    assert memory.keep()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(2_000_000)
before = faults()
for _ in range(20):
    np.ones(2_000_000)
print(faults() - before)
"""


def asked(*words: str) -> int:
    return int(subprocess.run([sys.executable, "-c", ASK, *words], capture_output=True, text=True, check=True).stdout)


def test_pages_are_not_lent_anew() -> None:
    """Sixteen megabytes, twenty times: thousands of pages each time, or none."""
    assert asked("keep") < 1000
