"""Scenarios as people write them: what stands on what, and every impossible thing refused by file, key and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from common.places import ROOT
from queue_model.commands.explain import origins
from queue_model.errors import ModelError
from queue_model.scenario import study
from queue_model.scenario.checks import NOT_SIMULATED
from queue_model.scenario.schema import Scenario
from queue_model.scenario.study import ScenarioError, leaves, merged
from queue_model.simulation.builder import Builder
from tests.queue_model.example_scenarios import EVERY_DAY, day, everything

BASELINE = str(Path(ROOT, "scenarios", "baseline.yaml"))


def refused(written: dict[str, Any]) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        study.of(written)
    return str(caught.value).splitlines()


def shift(**changes: Any) -> dict[str, Any]:
    return {"shifts": {"tutti": changes}}


# --- the shipped one -------------------------------------------------------------------------------------------------


def test_the_baseline_is_the_service_of_its_documents() -> None:
    found = study.load(BASELINE)
    assert found.warnings == ()
    shifts = found.scenario.operators.shifts
    assert [each.hours for each in shifts.values()] == ["09:00-13:30", "13:30-18:00"]
    assert sum(each.operators for each in shifts.values()) == found.compiled["service"]["queue"]["operators"] == 24
    assert found.compiled["service"]["queue"]["seats"] == 12
    assert found.scenario.arrivals.per_day == 400
    assert sum(found.scenario.arrivals.profile.weights) == 400


def test_every_value_of_the_baseline_says_where_it_comes_from() -> None:
    found = list(origins(study.load(BASELINE)))
    assert [each.path for each in found if each.basis == "unstated"] == []
    assert {each.basis for each in found} == {"assumed", "documented"}


def test_a_single_number_that_is_assumed_has_a_range() -> None:
    scenario = study.load(BASELINE).scenario
    written = yaml.safe_load(Path(BASELINE).read_bytes())
    numbers = {
        path for path, value in leaves(written) if isinstance(value, float | int) and not isinstance(value, bool)
    }
    assert [path for path, each in scenario.assumptions.items() if path in numbers and each.range is None] == []


# --- standing on another ---------------------------------------------------------------------------------------------


def test_a_derived_scenario_contains_only_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "fewer.yaml"
    path.write_text(
        f"title: fewer\nbased_on: {BASELINE}\n"
        "operators: {seats: 10, shifts: {mattina: {operators: 10}, pomeriggio: null, sera: "
        '{hours: "13:30-18:00", operators: 9}}}\n'
        "callers: {patience: {law: deterministic, value: 60}}\n",
        encoding="utf-8",
    )
    found = study.load(str(path))
    assert list(found.scenario.operators.shifts) == ["mattina", "sera"]
    assert len(found.scenario.operators.shifts["mattina"].breaks) == 1
    assert found.written["callers"]["patience"] == {"law": "deterministic", "value": 60}
    assert found.scenario.callers.voicemail_key == 0.03
    changed = {each.path for each in origins(found) if each.basis == "changed"}
    assert changed == {
        "operators.seats",
        "operators.shifts.mattina.operators",
        "operators.shifts.sera.hours",
        "operators.shifts.sera.operators",
        "callers.patience",
    }


def test_what_the_command_line_changes_is_changed() -> None:
    found = study.load(BASELINE, changes={"callers": {"patience": {"mean": 90}}})
    assert found.written["callers"]["patience"] == {"law": "exponential", "mean": 90}
    assert [each.path for each in origins(found) if each.basis == "changed"] == ["callers.patience"]


def test_a_circle_and_a_missing_base_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("based_on: b.yaml\n")
    (tmp_path / "b.yaml").write_text("based_on: a.yaml\n")
    with pytest.raises(ScenarioError, match="in a circle"):
        study.load(str(tmp_path / "a.yaml"))
    (tmp_path / "c.yaml").write_text("based_on: nowhere.yaml\n")
    with pytest.raises(ScenarioError, match=r"c\.yaml: based_on: no such scenario: .*nowhere\.yaml"):
        study.load(str(tmp_path / "c.yaml"))
    with pytest.raises(ScenarioError, match=r"d\.yaml: no such scenario"):
        study.load(str(tmp_path / "d.yaml"))


def test_a_scenario_changes_the_configuration_for_itself() -> None:
    found = study.of(
        everything(
            service={"queue": {"longest_wait": 60, "voicemail_key": None}},
            menu={
                "changes": {
                    "nodes": {
                        "argomenti": {"keys": {"4": None}},
                        "informazioni": {"keys": {"4": None}},
                        "servizi-online": None,
                    }
                },
                "prompts": {"topics": 9},
            },
        )
    )
    assert found.compiled["service"]["queue"]["longest_wait"] == 60
    assert "servizi-online" not in found.compiled["menu"]["nodes"]
    assert found.compiled["prompts"]["topics"]["seconds"] == 9


def test_laws_are_replaced_and_values_merged() -> None:
    base = {"a": {"law": "gamma", "mean": 1, "shape": 2}, "b": {"x": 1, "y": 2}}
    assert merged(base, {"a": {"law": "exponential", "mean": 3}, "b": {"y": 5}}) == {
        "a": {"law": "exponential", "mean": 3},
        "b": {"x": 1, "y": 5},
    }
    assert merged(base, {"a": {"mean": 7}})["a"] == {"law": "gamma", "mean": 7, "shape": 2}


# --- impossible things -----------------------------------------------------------------------------------------------

IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    (
        {"topics": {"ALTRO": {"share": 0.5}, "ADR": {"share": 0.5}}, "operators": shift(topics=["ADR"])},
        "scenario: operators.shifts: nobody takes ALTRO; add it to the topics of a shift",
    ),
    ({"arrivals": {"per_day": -1}}, "scenario: arrivals.per_day: must be a number a day, 0 or more, not -1"),
    ({"maills": {}}, 'scenario: maills: unknown key; did you mean "mails"?'),
    (
        {"callers": {"patience": {"law": "lognormal", "mean": 60}}},
        "callers.patience.sigma: missing; write a number above 0",
    ),
    ({"callers": {"patience": {"law": "weibul"}}}, 'callers.patience.law: "weibul" is not one of'),
    (
        {"callers": {"patience": {"law": "exponential", "mean": 0}}},
        "callers.patience.mean: must be seconds, above 0, not 0",
    ),
    ({"callers": {"balk": 1.2}}, "callers.balk: must be a number from 0 to 1, not 1.2"),
    ({"callers": {"announced": True}}, "callers.tolerance: missing; callers who hear their expected wait"),
    ({"handling": {"talk": {"law": "never"}}}, 'handling.talk.law: "never" is not one of exponential, lognormal'),
    ({"topics": {"ADR": {"share": 0.2}}}, "topics: the shares of ALTRO, ADR add up to 1.2, not 1"),
    ({"topics": {"ALTRO": {"profile": [1, 2]}}}, "topics.ALTRO.profile: 2 weights, but arrivals.profile has 18 steps"),
    (
        {"operators": shift(hours="08:00-22:00")},
        "operators.shifts.tutti.hours: 08:00-22:00 is outside the hours of monday",
    ),
    ({"operators": shift(hours="12:00-10:00")}, "operators.shifts.tutti.hours: '12:00-10:00' ends before it starts"),
    (
        {"operators": shift(operators=13)},
        "13 people at 09:00 on monday, but 12 seats; move the shift or lower its operators",
    ),
    ({"operators": shift(operators=13)}, "operators.shifts: 13 people in all shifts together, but there are only 12"),
    ({"operators": shift(operators=0)}, "operators.shifts: nobody works in any shift"),
    ({"operators": shift(weekdays=["mondy"])}, 'not "mondy"; did you mean "monday"?'),
    ({"operators": shift(topics=["ADX"])}, "operators.shifts.tutti.topics: no topic ADX; there are ALTRO"),
    (
        {"operators": shift(breaks=[{"at": "21:50", "minutes": 15}])},
        "the break lasts from 21:50 to 22:05, outside the shift",
    ),
    (
        {"operators": shift(breaks=[{"at": "10:00", "minutes": 15}, {"at": "10:10", "minutes": 5}])},
        "before another is over",
    ),
    ({"operators": shift(breaks=[{"at": "25:00", "minutes": 15}])}, "breaks[0].at: '25:00' is not a time of day"),
    (
        {
            "operators": shift(operators=7)
            | {"shifts": {"tutti": {"operators": 7}, "altri": {"hours": "10:00-12:00", "operators": 6}}, "people": 20}
        },
        "operators.shifts.altri.operators: 13 people (tutti + altri) at 10:00 on monday, but 12 seats",
    ),
    (
        {"service": {"hours": {"sunday": []}}, "operators": shift(weekdays=["sunday"])},
        "worked on sunday, when the service is closed",
    ),
    ({"service": {"queue": {"seats": 0}}}, "scenario: service.queue.seats: must be a whole number from 1 to 99, not 0"),
    ({"service": {"queue": {"seets": 3}}}, "scenario: service.queue.seets: unknown key"),
    ({"menu": {"changes": {"start": "nessuno"}}}, 'scenario: menu.changes.start: no node named "nessuno"'),
    ({"menu": {"nothing": 0.6, "wrong": 0.6}}, "menu: nothing + wrong + repeat add up to 1.2"),
    ({"menu": {"walk": True}}, "topics.ADR: the menu passes callers on with topic ADR, which is not described here"),
    ({"arrivals": {"profile": {"from": "18:00", "weights": [1] * 13}}}, "go beyond midnight; write 12 at most"),
    (
        {"arrivals": {"profile": {"weights": [0, 0]}}},
        "arrivals.profile.weights: all 0, so the 400 of a day cannot arrive",
    ),
    (
        {"arrivals": {"profile": {"from": "9"}}},
        'arrivals.profile.from: must be a time of day like "09:30", not "9"; write from: "09:00"',
    ),
    (
        {"arrivals": {"special_days": [{"first": "2026-03-02", "last": "2026-03-01", "factor": 2}]}},
        "arrivals.special_days[0].last: 2026-03-01 is before the first day",
    ),
    ({"arrivals": {"trace": "none.csv"}}, "arrivals.trace: none.csv: not found"),
    (
        {"handling": {"second_level": 0.1}},
        "handling.second_level: 0.1 of the requests go to the",
    ),
    ({"handling": {"survey": {"share": 0.3}}}, "handling.survey.time: missing"),
    (
        {"handling": {"survey": {"share": 3, "time": {"law": "deterministic", "value": 60}}}},
        "handling.survey.share: must",
    ),
    ({"handling": {"talk": {"law": "empirical", "values": []}}}, "handling.talk.values: "),
    (
        {"handling": {"talk": {"law": "empirical", "values": [60, -1]}}},
        "handling.talk.values[1]: must be seconds, 0 or",
    ),
    ({"callers": {"tolerance": {"law": "weibull", "mean": 60}}}, "callers.tolerance.shape: missing"),
    ({"callers": {"lines": -1}}, "callers.lines: must be"),
    ({"callers": {"redial": {"share": 0.5}}}, "callers.redial.after: missing"),
    ({"arrivals": {"swings": {"sd": 0.2, "correlation": 1}}}, "arrivals.swings.correlation: must be"),
    ({"arrivals": {"busyness": 0}}, "arrivals.busyness: must be a number above 0"),
    ({"arrivals": {"months": {"febuary": 1}}}, 'did you mean "february"?'),
    ({"arrivals": {"weekdays": {"monday": -0.5}}}, "arrivals.weekdays.monday: must be a factor, 0 or more, not -0.5"),
    ({"operators": {"late": {"share": 0.1}}}, "operators.late.by: missing"),
    ({"operators": {"absence": 7}}, "operators.absence: must be a number from 0 to 1, not 7"),
    (
        {"second_level": {"people": 1, "hours": "17:00-09:00", "work": {"law": "exponential", "mean": 60}}},
        "second_level.hours: '17:00-09:00' ends before it starts",
    ),
    ({"period": {"settle": 10}}, "period.settle: 10 of 10 days, so none would be measured"),
    ({"period": {"first": "2026-02-30"}}, "period.first: must be a date like 2026-12-24"),
    (
        {"period": {"first": "0001-01-01"}},
        "period.first: 0001-01-01 is not a day of a service; write a year from",
    ),
    ({"period": {"first": "9999-12-20", "days": 28}}, "period.first: 9999-12-20 is not a day of a service"),
    ({"arrivals": {"per_day": float("inf")}}, "arrivals.per_day: must be a number a day, 0 or more, not inf; the most"),
    (
        {"arrivals": {"per_day": 2e8}},
        "arrivals.per_day: must be a number a day, 0 or more, not 200000000.0; the most is",
    ),
    (
        {"arrivals": {"per_day": "1e3"}},
        'arrivals.per_day: must be a number a day, 0 or more, not "1e3"; write per_day: 1000',
    ),
    ({"arrivals": {"per_day": 1e8}}, "arrivals.per_day: 100,000,000 a day for 10 days are more than the 100,000,000"),
    (
        {"callers": {"leaves_message": 0.5}, "operators": {"reserve": 12}},
        "operators.reserve: 12 of 12 people are kept free",
    ),
    (
        {"assumptions": {"callers.patiense": {"basis": "assumed", "comment": "x"}}},
        'assumptions.callers.patiense: no such key: "patiense"; did you mean "patience"?',
    ),
    (
        {"assumptions": {"arrivals.per_day": {"basis": "assumed", "comment": "x", "range": [5, 1]}}},
        "assumptions.arrivals.per_day.range: 5 is above 1",
    ),
]


@pytest.mark.parametrize(("change", "message"), IMPOSSIBLE, ids=[message[:60] for _, message in IMPOSSIBLE])
def test_an_impossible_scenario_is_refused(change: dict[str, Any], message: str) -> None:
    assert any(message in line for line in refused(day(**change))), refused(day(**change))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("2026-10-25T09:30\n2026-10-25T09:00\n", "line 3: 2026-10-25T09:00 is earlier than the call before it; sort"),
        (
            "2026-10-25T02:30\n",
            "line 2: 2026-10-25T02:30 happened twice: clocks went back from 3 to 2; write its offset",
        ),
        ("2027-03-28T02:30\n", "line 2: 2027-03-28T02:30 never happened: clocks went from 2 to 3; correct it"),
    ],
)
def test_a_bad_trace_is_refused_with_its_line(rows: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("at\n" + rows)
    (said,) = refused(day(arrivals={"trace": str(path)}))
    assert said.startswith("scenario: arrivals.trace: ")
    assert "calls.csv: " + message in said


def test_the_day_of_25_hours_is_simulated() -> None:
    """Somebody at the telephone all night: an hour more of calls, of shifts and of hours of the service."""
    night = day(
        3, 1, period={"first": "2026-10-25"}, service={"hours": {name: ["00:00-24:00"] for name in EVERY_DAY}},
        arrivals={"per_day": 2400, "profile": {"from": "00:00", "step_minutes": 60, "weights": [1] * 24}},
        operators={"shifts": {"tutti": {"hours": "00:00-24:00"}}},
    )  # fmt: skip
    found = Builder(study.of(night))
    assert found.study.period.length == 25 * 3600
    assert found.calls.expected.sum() == pytest.approx(2500)
    given = found.inputs().inputs
    assert given.event_at.max() == 25 * 3600
    assert ((given.call_at > 2 * 3600) & (given.call_at < 4 * 3600)).sum() == pytest.approx(200, abs=60)


def test_settings_that_are_not_simulated_cannot_be_changed() -> None:
    """Else a supervisor would try it and believe that it makes no difference."""
    told = refused(
        day(
            service={
                "queue": {
                    "ring_seconds": 9,
                    "missed_rings": 3,
                    "wrap_up_seconds": 60,
                    "announce_every": 0,
                    "longest_wait": 99,
                },
                "limits": {"longest_call_seconds": 900, "menu_seconds": 300},
                "callbacks": {"most_attempts": 2},
            }
        )
    )
    assert [line.split(": ")[1] for line in told] == [f"service.{path}" for path in NOT_SIMULATED]
    remedy = "handling.wrap is the time until an operator is free again; write that"
    assert f"scenario: service.queue.wrap_up_seconds: is not simulated, so it has no effect: {remedy}" in told


def test_a_misspelt_key_is_found_when_the_base_has_every_key(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(f"based_on: {BASELINE}\ntitle: x\narivals: {{per_day: 5}}\n")
    with pytest.raises(ScenarioError, match=r'x\.yaml: arivals: unknown key; did you mean "arrivals"\?'):
        study.load(str(tmp_path / "x.yaml"))
    with pytest.raises(ScenarioError, match=r'operators\.reserv: unknown key; did you mean "reserve"\?'):
        study.load(BASELINE, None, {"operators": {"reserv": 2}})


def test_based_on_can_only_be_changed_in_the_file() -> None:
    with pytest.raises(ModelError, match="based_on: cannot be changed here"):
        study.load(BASELINE, None, {"based_on": "other.yaml"})


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"at\n\xff\n", "not UTF-8; save the file as UTF-8"), (b"at\nnan\n", "line 2: nan is not a time; write 2026")],
)
def test_a_trace_that_is_not_a_table_of_times(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_bytes(content)
    (said,) = refused(day(arrivals={"trace": str(tmp_path / "calls.csv")}))
    assert f"calls.csv: {message}" in said
    (said,) = refused(day(arrivals={"trace": str(tmp_path)}))
    assert said.endswith(": cannot be read: Is a directory")


def test_all_mistakes_are_reported_at_once() -> None:
    assert len(refused(day(topics={"ADR": {"share": 0.2}}, period={"settle": 99}, operators=shift(operators=13)))) == 4


def test_e_mails_of_unknown_topics_are_refused() -> None:
    lines = refused(everything(mails={"topics": {"ADR": 0.5, "DIDD": 0.5}}))
    assert lines == ['scenario: mails.topics.DIDD: no such topic; did you mean "DID"?']


def test_a_value_outside_its_range_is_a_warning() -> None:
    found = study.of(day(assumptions={"arrivals.per_day": {"basis": "assumed", "comment": "x", "range": [1, 300]}}))
    assert [str(each) for each in found.warnings] == [
        "scenario: assumptions.arrivals.per_day.range: 400 is outside 1 to 300, the plausible range"
    ]


def test_every_key_of_a_scenario_is_described_once() -> None:
    assert Scenario.__struct_fields__ == tuple(dict.fromkeys(Scenario.__struct_fields__))


def test_a_file_that_is_not_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("- 1\n")
    with pytest.raises(ScenarioError, match=r"x\.yaml: must be a mapping"):
        study.load(str(tmp_path / "x.yaml"))
