from __future__ import annotations

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_model.errors import ModelError
from queue_model.theory import erlang
from queue_model.theory.abandonment import erlang_a
from queue_model.theory.square_root import agents_for_delay, agents_for_target, beta_for_delay, garnett, halfin_whitt


@given(st.floats(0.01, 20), st.floats(-20, 20), st.floats(0.05, 20))
def test_the_functions(beta: float, any_beta: float, ratio: float) -> None:
    def hazard(x: mpmath.mpf) -> mpmath.mpf:
        return mpmath.npdf(x) / mpmath.ncdf(-x)

    with mpmath.workdps(200):
        b, g, r = mpmath.mpf(beta), mpmath.mpf(any_beta), mpmath.sqrt(mpmath.mpf(ratio))
        endless = 1 / (1 + b * mpmath.ncdf(b) / mpmath.npdf(b))
        leaving = 1 / (1 + hazard(g * r) / (r * hazard(-g)))
    assert halfin_whitt(beta) == pytest.approx(float(endless), rel=1e-11)
    assert garnett(any_beta, ratio) == pytest.approx(float(leaving), rel=1e-11)


def test_published_values() -> None:
    # Halfin and Whitt 1981: half of the callers wait at beta 0.506; Garnett et al. 2002: with equal patience at 0.
    assert beta_for_delay(0.5) == pytest.approx(0.506, abs=5e-4)
    assert beta_for_delay(0.5, 1.0) == pytest.approx(0, abs=1e-12)
    # Patience as long as handling: the number in the system is Poisson, so normal in the limit.
    assert garnett(1.0, 1.0) == pytest.approx(float(mpmath.ncdf(-1)), rel=1e-12)


@given(st.floats(0.01, 0.99), st.one_of(st.none(), st.floats(0.1, 10)))
def test_beta_is_the_inverse(delay: float, ratio: float | None) -> None:
    beta = beta_for_delay(delay, ratio)
    assert (halfin_whitt(beta) if ratio is None else garnett(beta, ratio)) == pytest.approx(delay, rel=1e-10)


@given(st.floats(5, 5000), st.floats(0.02, 0.9))
@settings(max_examples=40)
def test_the_rule_is_good_to_an_agent_or_two(load: float, delay: float) -> None:
    assert -2 <= agents_for_delay(load, delay) - erlang.agents_for_delay(load, delay) <= 0


@given(st.floats(5, 500), st.floats(0.5, 0.95))
@settings(max_examples=25)
def test_the_rule_for_a_service_level(load: float, target: float) -> None:
    exact = erlang.agents_needed(load / 360, 360, target, 20)
    assert -2 <= agents_for_target(load, 360, target, 20) - exact <= 0
    found = agents_for_target(load, 360, target, 20, 180)
    assert erlang_a(load / 360, 360, found + 2 + int(load / 100), 180).service_level(20) >= target
    if found > 3 + load / 100:
        assert erlang_a(load / 360, 360, found - 2 - int(load / 100), 180).service_level(20) < target


def test_bad_input() -> None:
    with pytest.raises(ModelError, match="delay: 0"):
        beta_for_delay(0.0)
    with pytest.raises(ModelError, match="beta: -1"):
        halfin_whitt(-1)
    with pytest.raises(ModelError, match="load: 0"):
        agents_for_target(0, 360, 0.8, 20)
