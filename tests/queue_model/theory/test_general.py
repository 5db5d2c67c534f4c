from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_model.errors import ModelError, NoSteadyState
from queue_model.theory.deterministic import erlang_d
from queue_model.theory.erlang import erlang_c
from queue_model.theory.general import (
    approximate_wait_bjorklund_elldin,
    approximate_wait_kimura,
    approximate_wait_lee_longton,
    lognormal_scv,
    single_agent_wait,
)

APPROXIMATIONS: list[Callable[[float, float, int, float], float]] = [
    approximate_wait_lee_longton,
    approximate_wait_bjorklund_elldin,
    approximate_wait_kimura,
]
EACH = pytest.mark.parametrize("wait", APPROXIMATIONS, ids=lambda wait: wait.__name__)


@EACH
@given(agents=st.integers(1, 50), ratio=st.floats(0.05, 0.95), scv=st.floats(0, 3))
@settings(max_examples=20)
def test_where_they_are_exact(
    wait: Callable[[float, float, int, float], float], agents: int, ratio: float, scv: float
) -> None:
    rate = agents * ratio / 300
    assert wait(rate, 300, agents, 1.0) == pytest.approx(erlang_c(rate, 300, agents).asa, rel=1e-10, abs=1e-200)
    assert wait(ratio / 300, 300, 1, scv) == pytest.approx(single_agent_wait(ratio / 300, 300, scv), rel=1e-9)
    if wait is not approximate_wait_lee_longton:
        assert wait(rate, 300, agents, 0.0) == pytest.approx(
            erlang_d(rate, 300, agents).mean_wait, rel=1e-9, abs=1e-200
        )


@EACH
def test_near_a_simulation_of_a_hundred_million_calls(wait: Callable[[float, float, int, float], float]) -> None:
    """Row S-MLN12 of ground-truth.csv: 178.90 +- 1.02 s."""
    assert wait(0.9 * 12 / 360, 360, 12, lognormal_scv(0.8)) == pytest.approx(178.9014, rel=0.025)


def test_bad_input() -> None:
    with pytest.raises(NoSteadyState):
        single_agent_wait(1 / 300, 300, 0.5)
    with pytest.raises(ModelError, match="scv: -1"):
        single_agent_wait(0.5 / 300, 300, -1)
