"""All engines: SimPy, the compiled kernel, and the source of the kernel run by Python."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from types import ModuleType

from queue_model.simulation import kernel, reference
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.records import Records

Engine = Callable[[Inputs], Records]


def source_of_the_kernel() -> ModuleType:
    """`queue_model/simulation/kernel.py` as plain Python, whether it is compiled or not."""
    path = os.path.join(os.path.dirname(reference.__file__), "kernel.py")
    spec = importlib.util.spec_from_file_location("queue_model_kernel_source", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SOURCE = source_of_the_kernel()
ENGINES: dict[str, Engine] = {
    "simpy": reference.simulate,
    "kernel": kernel.simulate,
    "kernel as Python": SOURCE.simulate,
}


def run_on_all_engines(given: Inputs) -> Records:
    """The record of a period, after checking that all engines give the same."""
    expected = reference.simulate(given)
    for name in ("kernel", "kernel as Python"):
        difference = expected.same_as(ENGINES[name](given))
        assert not difference, f"simpy against {name}: {difference}"
    return expected
