"""Both engines give the same record for every call, e-mail, call-back and operator, to the last bit."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queue_model.simulation import kernel, reference
from queue_model.simulation.builder import Builder
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.kernel_setup import is_plain
from queue_model.simulation.records import Outcome, Records, Work
from tests.queue_model.all_engines import SOURCE, run_on_all_engines
from tests.queue_model.example_inputs import FEATURES, full_days, plain_days, random_period
from tests.queue_model.example_scenarios import everything, other_topic, study_of

SEEDS = st.integers(0, 2**32 - 1)
GRIDS = st.sampled_from([0.0, 1.0, 10.0, 60.0, 300.0])
SOME = st.frozensets(st.sampled_from(FEATURES))
QUEUEING = frozenset(FEATURES) - {"busy_nobody_free"}  # otherwise hardly any call waits
ALL_BUT_SOME = SOME.map(lambda left_out: QUEUEING - left_out)


def check_record(given: Inputs, record: Records) -> None:
    """Check properties that every record must have, besides being equal."""
    calls = record.calls
    assert len(calls[calls["attempt"] == 0]) == len(given.call_at) + len(given.closed_at)  # no caller is lost
    answered = calls[calls["outcome"] == Outcome.ANSWERED]
    assert (answered["operator"] >= 0).all()
    assert (calls["wait"][calls["outcome"] != Outcome.WAITING] >= 0).all()
    assert int(calls["message"].sum()) == len(record.callbacks)
    assert len(answered) == int((record.work["kind"] == Work.CALL).sum())
    for operator in range(given.n_operators):
        mine = record.work[record.work["operator"] == operator]
        busy = mine[mine["kind"] != Work.SEATED]
        assert (busy["start"][1:] >= busy["end"][:-1]).all()  # one activity at a time
        chairs = mine[mine["kind"] == Work.SEATED]
        for each in busy:
            held = chairs[(chairs["start"] <= each["start"]) & ~(chairs["end"] < each["start"])]
            assert len(held)  # no work without a seat


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("grid", [0.0, 60.0])
def test_each_feature_alone(feature: str, grid: float) -> None:
    for seed in range(4):
        asked = random_period(seed, frozenset({feature}), grid=grid)
        check_record(asked, run_on_all_engines(asked))


PLAIN = st.frozensets(st.sampled_from(["patience", "key", "longest_wait", "no_wrap"]))


@given(seed=SEEDS, features=PLAIN, calls=st.integers(0, 40), operators=st.integers(1, 4), grid=GRIDS)
def test_plain_periods(seed: int, features: frozenset[str], calls: int, operators: int, grid: float) -> None:
    asked = random_period(seed, features, calls=calls, operators=operators, grid=grid)
    assert is_plain(asked)
    check_record(asked, run_on_all_engines(asked))


@settings(max_examples=300)
@given(seed=SEEDS, features=SOME | ALL_BUT_SOME, calls=st.integers(0, 40), operators=st.integers(0, 5), grid=GRIDS)
def test_features_together(seed: int, features: frozenset[str], calls: int, operators: int, grid: float) -> None:
    asked = random_period(seed, features, calls=calls, operators=operators, grid=grid)
    check_record(asked, run_on_all_engines(asked))


def always(seconds: float) -> dict[str, Any]:
    return {"law": "deterministic", "value": seconds}


LAWS = st.sampled_from([always(0), always(60), always(900), {"law": "lognormal", "mean": 60, "sigma": 5.0}])
SHARES = st.sampled_from([0, 0.5, 1])
BREAKS = st.sampled_from([[], [{"at": "09:00", "minutes": 15}], [{"at": "13:00", "minutes": 15, "groups": 2}]])
# Extreme values, on top of `everything`.
EXTREMES = {
    "arrivals": st.fixed_dictionaries({"per_day": st.sampled_from([0, 50, 200])}),
    "callers": st.fixed_dictionaries(
        {
            "patience": st.one_of(LAWS, st.just({"law": "never"})),
            "balk": SHARES,
            "announced": st.booleans(),
            "tolerance": LAWS,
            "voicemail_key": SHARES,
            "leaves_message": SHARES,
            "redial": st.fixed_dictionaries({"share": SHARES, "after": LAWS, "most": st.sampled_from([1, 20])}),
            "lines": st.sampled_from([0, 1, 5]),
        }
    ),
    "handling": st.fixed_dictionaries(
        {
            "talk": LAWS,
            "wrap": LAWS,
            "callback": LAWS,
            "survey": st.fixed_dictionaries({"share": SHARES, "time": LAWS}),
        }
    ),
    "operators": st.fixed_dictionaries(
        {
            "shifts": st.fixed_dictionaries({"mattina": st.fixed_dictionaries({"breaks": BREAKS})}),
            "absence": SHARES,
            "late": st.fixed_dictionaries({"share": SHARES, "by": LAWS}),
            "break_overrun": st.fixed_dictionaries({"share": SHARES, "by": LAWS}),
            "reserve": st.integers(0, 2),
            "put_down_emails": st.booleans(),
        }
    ),
    "mails": st.fixed_dictionaries({"work": LAWS}),
    "menu": st.fixed_dictionaries(
        {
            "walk": st.booleans(),
            "changes": st.sampled_from([{}, {"nodes": {**other_topic(100), "operatore": {"priority": 1}}}]),
        }
    ),
    "queue": st.sampled_from([{}, {"unlimited": True}, {"longest_wait": 0.001}, {"longest_queue": 1}]),
    "service": st.fixed_dictionaries(
        {
            "queue": st.fixed_dictionaries(
                {
                    "all_busy": st.fixed_dictionaries(
                        {
                            "means": st.sampled_from(["nobody_free", "nobody_logged_in"]),
                            "then": st.sampled_from(["wait", "voicemail"]),
                        }
                    )
                }
            )
        }
    ),
    "seed": st.integers(0, 10**9),
}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries(EXTREMES))
def test_extreme_scenarios(change: dict[str, Any]) -> None:
    asked = Builder(study_of(everything(days=1, **change))).inputs().inputs
    check_record(asked, run_on_all_engines(asked))


def test_the_random_periods_contain_every_outcome() -> None:
    """Otherwise the tests above would prove little."""
    outcomes: Counter[int] = Counter()
    kinds: Counter[int] = Counter()
    put_down = again = ties = plain = 0
    for seed in range(600):
        some = np.random.default_rng(seed).permutation(FEATURES)[: 1 + seed % 12]
        asked = random_period(seed, QUEUEING - {*some} if seed % 2 else frozenset(some), grid=10.0)
        record = kernel.simulate(asked)
        outcomes.update(record.calls["outcome"].tolist())
        kinds.update(record.work["kind"].tolist())
        put_down += int((record.work["kind"] == Work.EMAIL).sum()) - int((record.mails["operator"] >= 0).sum())
        again += int((record.calls["attempt"] > 0).sum())
        ties += len(record.work) - len(np.unique(record.work["start"]))
        plain += is_plain(random_period(seed, frozenset({"patience"})))
    assert set(outcomes) == set(Outcome)
    assert set(kinds) == set(Work)
    assert min(outcomes.values()) >= 20
    assert min(put_down, again, plain) >= 100
    assert ties >= 500


@pytest.mark.parametrize("operators", [1, 3, 5, 12])
def test_plain_days(operators: int) -> None:
    """Calls and patience only, for which the kernel uses its faster loop."""
    asked = plain_days(3, operators)
    assert is_plain(asked)
    check_record(asked, run_on_all_engines(asked))
    centre = kernel.ContactCentre(asked, blank := kernel.BlankRows(asked))
    centre.run(plain=False)
    fast = kernel.simulate(asked)
    assert blank.calls.tobytes() == fast.calls.tobytes()
    work = kernel.sorted_rows(blank.work[: centre.work_rows], "operator", operators)
    assert not fast.same_as(dataclasses.replace(fast, work=work))


@pytest.mark.parametrize(("per_shift", "days"), [(6, 250), (12, 10), (4, 10)])
def test_full_feature_days(per_shift: int, days: int) -> None:
    """250 days are 100,000 calls and 30,000 e-mails."""
    asked = full_days(days, per_shift)
    record = reference.simulate(asked)
    assert not record.same_as(kernel.simulate(asked))
    assert len(record.calls) > 380 * days
    assert len(record.mails) > 100 * days
    assert set(np.unique(record.calls["outcome"])) >= {Outcome.ANSWERED, Outcome.ABANDONED, Outcome.VOICEMAIL_KEY}
    assert set(np.unique(record.work["kind"])) == set(Work)


def test_full_feature_days_with_the_uncompiled_source() -> None:
    asked = full_days(2, 5)
    assert not kernel.simulate(asked).same_as(SOURCE.simulate(asked))


def test_the_same_inputs_give_the_same_bytes() -> None:
    one, other = kernel.simulate(full_days(20)), kernel.simulate(full_days(20))
    assert one.calls.tobytes() == other.calls.tobytes()
    assert one.work.tobytes() == other.work.tobytes()
