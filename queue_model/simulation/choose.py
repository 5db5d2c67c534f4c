"""Which engine runs a period: the compiled one where it was built, else the reference. Both give the same record."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal

from queue_model.errors import ModelError
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.records import Records

Name = Literal["auto", "kernel", "simpy"]
NOT_COMPILED = (
    "the compiled engine was not built here, so the reference engine serves: the same results, about a hundred times "
    "slower. To build it: install a C compiler and Cython, then `pip install --no-build-isolation -e .` once more"
)


class EngineWarning(UserWarning):
    """The slower engine runs because there is no other."""


def kernel_is_compiled() -> bool:
    """Whether the compiled engine can be used here."""
    try:
        from queue_model.simulation import kernel
    except ModuleNotFoundError as error:  # the source imports `cython`, the compiled module does not
        if error.name != "cython":
            raise
        return False
    return kernel.compiled


def choose(name: Name = "auto") -> Callable[[Inputs], Records]:
    """The `simulate` of an engine. "auto" prefers the compiled one and warns (`EngineWarning`) when it is not there;
    "kernel" raises `ModelError` then."""
    if name not in ("auto", "kernel", "simpy"):
        raise ModelError(f"engine: {name!r}; there are auto, kernel, simpy")
    if name != "simpy":
        if kernel_is_compiled():
            from queue_model.simulation import kernel

            return kernel.simulate
        if name == "kernel":
            raise ModelError(f"engine: {NOT_COMPILED}")
        warnings.warn(NOT_COMPILED, EngineWarning, stacklevel=2)
    from queue_model.simulation import reference

    return reference.simulate


def simulate(inputs: Inputs, engine: Name = "auto") -> Records:
    """Run one period on the engine of that name; see `choose`."""
    return choose(engine)(inputs)
