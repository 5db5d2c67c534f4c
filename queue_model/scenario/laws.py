"""The laws of durations that a scenario may name, and how their values are made from standard variates.

*Standard* variates (uniform, exponential, normal) do not depend on the parameters of the law. So a scenario with talks
that are 10 % longer has the same talks, each 10 % longer. Only the gamma law needs variates of its own shape; its mean,
too, is a factor. All means are those of the law itself, in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Union

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Seconds = Annotated[float, Meta(gt=0, le=1e7, description="seconds, above 0")]
Spread = Annotated[float, Meta(gt=0, le=10, description="a number above 0, up to 10")]
Shape = Annotated[float, Meta(gt=0, le=1e6, description="a number above 0")]


class Exponential(Struct, frozen=True, forbid_unknown_fields=True, tag_field="law", tag="exponential"):
    """The memoryless law: after a minute of talk, as much is left as at the start."""

    mean: Seconds


class Lognormal(Struct, frozen=True, forbid_unknown_fields=True, tag_field="law", tag="lognormal"):
    """Its logarithm is normal with standard deviation `sigma`."""

    mean: Seconds
    sigma: Spread


class Gamma(Struct, frozen=True, forbid_unknown_fields=True, tag_field="law", tag="gamma"):
    """Shape 1 is the exponential law; higher shapes vary less."""

    mean: Seconds
    shape: Shape


class Weibull(Struct, frozen=True, forbid_unknown_fields=True, tag_field="law", tag="weibull"):
    """Shape below 1: the longer it has lasted, the more is left; above 1: the less is left."""

    mean: Seconds
    shape: Annotated[float, Meta(ge=0.05, le=100, description="a number from 0.05 to 100")]


class Deterministic(Struct, frozen=True, forbid_unknown_fields=True, tag_field="law", tag="deterministic"):
    """Always the same."""

    value: Annotated[float, Meta(ge=0, le=1e7, description="seconds, 0 or more")]


class Empirical(Struct, frozen=True, forbid_unknown_fields=True, tag_field="law", tag="empirical"):
    """One of the observed values, all equally likely."""

    values: Annotated[
        list[Annotated[float, Meta(ge=0, le=1e7, description="seconds, 0 or more")]],
        Meta(min_length=1, max_length=50_000),
    ]


class Never(Struct, frozen=True, forbid_unknown_fields=True, tag_field="law", tag="never"):
    """It never happens: nobody gives up."""


Duration = Union[Exponential, Lognormal, Gamma, Weibull, Deterministic, Empirical]  # noqa: UP007 - msgspec reads it
Patience = Union[Exponential, Lognormal, Gamma, Weibull, Deterministic, Empirical, Never]  # noqa: UP007


def mean(law: Patience) -> float:
    """The mean in seconds; infinite for `never`."""
    if isinstance(law, Deterministic):
        return law.value
    if isinstance(law, Empirical):
        return sum(law.values) / len(law.values)
    if isinstance(law, Never):
        return math.inf
    return law.mean


def standard(law: Patience) -> str:
    """The standard variate from which values of this law are made; part of the name of the stream."""
    if isinstance(law, (Exponential, Weibull)):
        return "exponential"
    if isinstance(law, Lognormal):
        return "normal"
    if isinstance(law, Gamma):
        return f"gamma {law.shape!r}"
    if isinstance(law, Empirical):
        return "uniform"
    return ""


def values(law: Patience, variates: Floats | None, shape: Any) -> Floats:
    """Values of the law, s, from its standard variates (None if it needs none), which may be overwritten; `shape` is
    that of the result."""
    if isinstance(law, Never):
        return np.broadcast_to(np.float64(math.inf), shape)
    if isinstance(law, Deterministic):
        return np.broadcast_to(np.float64(law.value), shape)
    assert variates is not None
    if isinstance(law, Exponential):
        return np.multiply(variates, law.mean, out=variates)
    if isinstance(law, Weibull):
        scale = law.mean / math.gamma(1 + 1 / law.shape)
        return np.asarray(scale * variates ** (1 / law.shape))
    if isinstance(law, Lognormal):
        variates *= law.sigma
        variates += math.log(law.mean) - law.sigma**2 / 2
        return np.exp(variates, out=variates)
    if isinstance(law, Gamma):
        return np.multiply(variates, law.mean / law.shape, out=variates)
    observed = np.asarray(law.values, dtype=np.float64)
    return np.asarray(observed[(variates * len(observed)).astype(np.intp)])


def same_kind(laws: Sequence[Patience]) -> bool:
    """Whether `values_by` can make the values of all these laws at once."""
    return all(type(law) is type(laws[0]) for law in laws) and isinstance(laws[0], (Exponential, Lognormal))


def values_by(laws: Sequence[Patience], which: NDArray[np.intp], variates: Floats) -> Floats:
    """`values` for several laws of one kind at once, the same to the last bit; `which`: the law of each variate."""
    if isinstance(laws[0], Exponential):
        variates *= np.array([mean(law) for law in laws])[which]
        return variates
    normal = [(law.sigma, math.log(law.mean) - law.sigma**2 / 2) for law in laws if isinstance(law, Lognormal)]
    sigmas, shifts = np.array(normal).T
    variates *= sigmas[0] if (sigmas == sigmas[0]).all() else sigmas[which]
    variates += shifts[which]
    return np.exp(variates, out=variates)
