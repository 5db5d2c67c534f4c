"""The two engines: the compiled kernel and the SimPy reference. Both give the same record."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal

from queue_model.compiled import REMEDY, EngineWarning, source_of, state
from queue_model.errors import ModelError
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.records import Records

EngineName = Literal["simpy", "kernel"]
Engine = Callable[[Inputs], Records]

KERNEL = "simulation.kernel"
SLOWER = "the reference engine gives the same results, about a hundred times slower"
UNUSABLE = {
    "missing": f"the compiled engine was not built here; {SLOWER}. To build it, install a C compiler and Cython, then "
    "run `make setup`, or `pip install --no-build-isolation -e .`",
    "outdated": f"{source_of(KERNEL)} has changed since it was compiled, so the compiled engine is not used: {REMEDY}; "
    f"{SLOWER}",
}


def engine(name: str | None = None) -> tuple[EngineName, Engine]:
    """An engine by name. Without a name: the kernel, or the reference with an `EngineWarning` if the kernel was not
    built or is outdated.

    Raises `ModelError` for an unknown name, and for "kernel" if that cannot be used.
    """
    if name not in (None, "kernel", "simpy"):
        raise ModelError(f"engine: {name!r} is not an engine; use kernel or simpy")
    if name != "simpy":
        compiled = state(KERNEL)
        if compiled == "current":
            from queue_model.simulation import kernel

            return "kernel", kernel.simulate
        if name == "kernel":
            raise ModelError(f"engine: {UNUSABLE[compiled]}")
        warnings.warn(UNUSABLE[compiled], EngineWarning, stacklevel=2)
    from queue_model.simulation import reference

    return "simpy", reference.simulate
