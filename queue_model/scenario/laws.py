"""How long things take: the laws that a scenario may name, and how their values come from standard draws.

Values are made from *standard* variates (uniform, exponential, normal) that do not depend on the law's parameters, so a
scenario in which talks become 10 % longer meets the same talks, each 10 % longer. Only the gamma law is drawn by its
shape; its mean, too, is a factor. All means are those of the law itself, in seconds.
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
    """Without memory: who has talked for a minute talks on as long as who begins."""

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
    """Shape below 1: who has waited long waits on; above 1: patience wears out."""

    mean: Seconds
    shape: Annotated[float, Meta(ge=0.05, le=100, description="a number from 0.05 to 100")]


class Deterministic(Struct, frozen=True, forbid_unknown_fields=True, tag_field="law", tag="deterministic"):
    """Always the same."""

    value: Annotated[float, Meta(ge=0, le=1e7, description="seconds, 0 or more")]


class Empirical(Struct, frozen=True, forbid_unknown_fields=True, tag_field="law", tag="empirical"):
    """One of the values that were seen, each as likely as the others."""

    values: Annotated[
        list[Annotated[float, Meta(ge=0, le=1e7, description="seconds, 0 or more")]],
        Meta(min_length=1, max_length=50_000),
    ]


class Never(Struct, frozen=True, forbid_unknown_fields=True, tag_field="law", tag="never"):
    """It does not happen: nobody gives up."""


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
    """The standard variate that values of this law are made from; its name is part of the stream's."""
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
    """Seconds of that law from its standard variates (None where it needs none), which it may write over; `shape` is
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
    seen = np.asarray(law.values, dtype=np.float64)
    return np.asarray(seen[(variates * len(seen)).astype(np.intp)])


def same_kind(laws: Sequence[Patience]) -> bool:
    """Whether `values_by` can do them all at once."""
    return all(type(law) is type(laws[0]) for law in laws) and isinstance(laws[0], (Exponential, Lognormal))


def values_by(laws: Sequence[Patience], which: NDArray[np.intp], variates: Floats) -> Floats:
    """`values` of the law that `which` says for each, of laws of the same kind: to the last bit those of each law."""
    if isinstance(laws[0], Exponential):
        variates *= np.array([mean(law) for law in laws])[which]
        return variates
    normal = [(law.sigma, math.log(law.mean) - law.sigma**2 / 2) for law in laws if isinstance(law, Lognormal)]
    sigmas, shifts = np.array(normal).T
    variates *= sigmas[0] if (sigmas == sigmas[0]).all() else sigmas[which]
    variates += shifts[which]
    return np.exp(variates, out=variates)
