"""Square-root staffing: agents = load + beta sqrt(load), where beta sets the quality, whatever the size.

Without abandonment: Halfin and Whitt 1981; with it: Garnett, Mandelbaum and Reiman 2002. The rules are limits for
many agents. From ten agents on they give the right number or one too few.
"""

from __future__ import annotations

import math

from queue_model.errors import not_negative, number, positive, share
from queue_model.theory.numerics.roots import crossing

STEEPEST = 40.0  # beyond this the tail of the normal law has no digits left


def halfin_whitt(beta: float) -> float:
    """The share of callers that waits when nobody gives up: 1 / (1 + beta / hazard(-beta)), beta > 0."""
    hazard = _hazard(-positive("beta", beta))
    return hazard / (hazard + beta)


def garnett(beta: float, patience_ratio: float) -> float:
    """The share of callers that waits when they give up; `patience_ratio` is mean patience / mean handling time.

    1 / (1 + h(beta r) / (r h(-beta))), with r = sqrt(patience ratio) and h the hazard of the normal law.
    """
    r = math.sqrt(positive("patience_ratio", patience_ratio))
    r_hazard = r * _hazard(-number("beta", beta))
    return r_hazard / (r_hazard + _hazard(beta * r))


def beta_for_delay(delay: float, patience_ratio: float | None = None) -> float:
    """The beta with which the share `delay` of the callers waits; `patience_ratio`: see `garnett`, None: endless."""
    share("delay", delay)
    if patience_ratio is None:
        return crossing(lambda beta: halfin_whitt(beta) - delay, 1e-12, STEEPEST)
    return crossing(lambda beta: garnett(beta, patience_ratio) - delay, -STEEPEST, STEEPEST)


def agents_for_delay(load: float, delay: float, patience_ratio: float | None = None) -> int:
    """The rule itself: agents with which about the share `delay` of the callers waits at all."""
    return _agents(positive("load", load), beta_for_delay(delay, patience_ratio))


def agents_for_target(load: float, aht: float, target: float, within: float, patience: float | None = None) -> int:
    """Agents with which about the share `target` of the calls is answered within so many seconds, by the rule.

    `patience`: mean in s, exponential; None: nobody gives up.
    """
    share("target", target)
    positive("load", load)
    positive("aht", aht)
    not_negative("within", within)
    # Just above the load nearly everybody waits very long, so the rule always finds a beta.
    lowest = 1e-12 if patience is None else -math.sqrt(load)
    beta = crossing(lambda b: target - _service_level(b, load, aht, within, patience), lowest, STEEPEST)
    return _agents(load, beta)


def _service_level(beta: float, load: float, aht: float, within: float, patience: float | None) -> float:
    """Answered within so many seconds / offered, in the limit of many agents.

    Given that there is a wait, its law is exponential of rate beta sqrt(load) / aht without abandonment; with it, a
    normal law cut off at 0, of variance 1 / (rate leaving) and mean -(agents - load) / (leaving load).
    """
    t = within / aht
    surplus = beta * math.sqrt(load)
    if patience is None:
        return 1 - halfin_whitt(beta) * math.exp(-surplus * t)
    leaving = aht / positive("patience", patience)
    spread = math.sqrt(load * leaving)
    start = surplus / spread
    over = math.exp(_log_normal_above(start + spread * t) - _log_normal_above(start))
    waits = garnett(beta, 1 / leaving)
    # Callers who would have been answered in time may give up before: to first order, after half the time.
    gives_up = -math.expm1(-leaving * t / 2)
    return 1 - waits * over - waits * (1 - over) * gives_up


def _agents(load: float, beta: float) -> int:
    return max(1, math.ceil(load + beta * math.sqrt(load) - 1e-9))


def _hazard(x: float) -> float:
    """The density of the normal law over its tail."""
    if x > 25:
        # Laplace's continued fraction: the tail itself would underflow.
        fraction = x
        for k in range(40, 0, -1):
            fraction = x + k / fraction
        return fraction
    return math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi) / (0.5 * math.erfc(x / math.sqrt(2)))


def _log_normal_above(x: float) -> float:
    if x > 25:
        return -0.5 * x * x - 0.5 * math.log(2 * math.pi) - math.log(_hazard(x))
    return math.log(0.5 * math.erfc(x / math.sqrt(2)))
