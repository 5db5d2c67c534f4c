"""The shipped scenarios give the results kept in golden/, and differ as their names say."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from queue_model.simulation import kernel
from tests.queue_model.golden_results import FOLDER, result, scenarios


def kept(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.skipif(not kernel.compiled, reason="takes minutes with the reference engine, which gives the same records")
@pytest.mark.parametrize("name", scenarios())
def test_a_scenario_gives_its_golden_result(name: str) -> None:
    found, wanted = result(name), kept(name)
    for key in ("title", "replications", "seed", "counts"):
        assert found[key] == wanted[key]
    assert list(found["measures"]) == list(wanted["measures"])
    for measure, sums in wanted["measures"].items():
        # Counts are exact. Seconds are sums of logarithms, whose last digit depends on the processor.
        for new, old in zip(found["measures"][measure], sums, strict=True):
            assert new == old or (not float(old).is_integer() and math.isclose(new, old, rel_tol=1e-9)), measure


def test_every_golden_result_has_its_scenario() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == scenarios()
    assert len(scenarios()) >= 13


def level(name: str, measure: str = "service_level") -> float:
    above, below = kept(name)["measures"][measure]
    return float(above / below)


def test_the_scenarios_differ_as_their_names_say() -> None:
    assert level("baseline") > level("two-ill") > level("six-seats")
    assert level("baseline") > level("calls-double") > level("calls-triple") > level("calls-tenfold")
    assert level("baseline") > level("new-law")
    assert kept("email-campaign")["counts"]["emails"] > 1.3 * kept("baseline")["counts"]["emails"]
    assert level("baseline") > level("email-campaign")
    assert level("baseline", "occupancy") < level("short-menu", "occupancy")
    assert level("one-shift") != level("lunch-break-moved")
    for name in ("double", "triple", "tenfold"):
        assert level(f"calls-{name}", "overflow") > level(f"calls-{name}-no-voicemail", "overflow") == 0
        assert level(f"calls-{name}-no-voicemail", "abandonment") > level("baseline", "abandonment")
