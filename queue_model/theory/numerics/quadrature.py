"""Integrals of functions with a few kinks: adaptive Gauss-Kronrod, 15 points (Piessens et al., QUADPACK, 1983)."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from itertools import pairwise

Function = Callable[[float], float]

NODES = (
    0.991455371120812639206854697526329,
    0.949107912342758524526189684047851,
    0.864864423359769072789712788640926,
    0.741531185599394439863864773280788,
    0.586087235467691130294144838258730,
    0.405845151377397166906606412076961,
    0.207784955007898467600689403773245,
)
KRONROD = (
    0.022935322010529224963732008058970,
    0.063092092629978553290700663189204,
    0.104790010322250183839876322541518,
    0.140653259715525918745189590510238,
    0.169004726639267902826583426598550,
    0.190350578064785409913256402421014,
    0.204432940075298892414161999234649,
)
KRONROD_CENTRE = 0.209482141084727828012999174891714
GAUSS = (0.129484966168869693270611432679082, 0.279705391489276667901467771423780, 0.381830050505118944950369775488975)
GAUSS_CENTRE = 0.417959183673469387755102040816327

RELATIVE = 1e-13
MOST_PANELS = 2000


def integral(function: Function, edges: Sequence[float]) -> float:
    """The integral from the first edge to the last; between them, edges at its kinks and steps."""
    panels: list[tuple[float, float, float, float]] = []  # -doubt, low, high, value
    for low, high in pairwise(edges):
        if high > low:
            value, error = _panel(function, low, high)
            heapq.heappush(panels, (-error, low, high, value))
    while panels and len(panels) < MOST_PANELS:
        total, doubt = math.fsum(each[3] for each in panels), -math.fsum(each[0] for each in panels)
        if doubt <= RELATIVE * abs(total):
            break
        # Halve the worst quarter at once: summing the list again after each halving would cost more.
        for _ in range(max(1, len(panels) // 4)):
            error, low, high, value = heapq.heappop(panels)
            middle = 0.5 * (low + high)
            if error == 0 or not low < middle < high:
                heapq.heappush(panels, (0.0, low, high, value))
                break
            for a, b in ((low, middle), (middle, high)):
                value, error = _panel(function, a, b)
                heapq.heappush(panels, (-error, a, b, value))
    return math.fsum(each[3] for each in panels)


def _panel(function: Function, low: float, high: float) -> tuple[float, float]:
    """The integral over one panel, and the estimate of its error."""
    centre, half = 0.5 * (low + high), 0.5 * (high - low)
    middle = function(centre)
    kronrod, gauss, size = KRONROD_CENTRE * middle, GAUSS_CENTRE * middle, KRONROD_CENTRE * abs(middle)
    for i, node in enumerate(NODES):
        left, right = function(centre - half * node), function(centre + half * node)
        kronrod += KRONROD[i] * (left + right)
        size += KRONROD[i] * (abs(left) + abs(right))
        if i % 2:
            gauss += GAUSS[i // 2] * (left + right)
    value, size, doubt = kronrod * half, size * half, abs(kronrod - gauss) * half
    if size > 0 and doubt > 0:
        doubt = size * min(1.0, (200 * doubt / size) ** 1.5)
    return value, 0.0 if doubt <= 2e-16 * size else doubt
