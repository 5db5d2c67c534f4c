"""The two engines: the compiled kernel and the SimPy reference. Both give the same record."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal

from queue_model.errors import ModelError
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.records import Records

EngineName = Literal["simpy", "kernel"]
Engine = Callable[[Inputs], Records]

NOT_COMPILED = (
    "the compiled engine was not built here, so the reference engine is used: the same results, about a hundred times "
    "slower. To build it, install a C compiler and Cython, then run `pip install --no-build-isolation -e .` again"
)


class EngineWarning(UserWarning):
    """The reference engine is used because the compiled one was not built."""


def kernel_is_compiled() -> bool:
    """Whether the compiled engine can be used here."""
    try:
        from queue_model.simulation import kernel
    except ModuleNotFoundError as error:  # the source imports `cython`, the compiled module does not
        if error.name != "cython":
            raise
        return False
    return kernel.compiled


def engine(name: str | None = None) -> tuple[EngineName, Engine]:
    """An engine by name. Without a name: the kernel, or the reference with an `EngineWarning` if it was not built.

    Raises `ModelError` for an unknown name, and for "kernel" if it was not built.
    """
    if name not in (None, "kernel", "simpy"):
        raise ModelError(f"engine: {name!r} is not an engine; use kernel or simpy")
    if name != "simpy":
        if kernel_is_compiled():
            from queue_model.simulation import kernel

            return "kernel", kernel.simulate
        if name == "kernel":
            raise ModelError(f"engine: {NOT_COMPILED}")
        warnings.warn(NOT_COMPILED, EngineWarning, stacklevel=2)
    from queue_model.simulation import reference

    return "simpy", reference.simulate
