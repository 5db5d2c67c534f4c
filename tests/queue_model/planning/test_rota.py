from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_model.cli import main
from queue_model.errors import ModelError
from queue_model.planning import rota_check, workforce
from queue_model.planning.assignment import assign, is_present, may_work
from queue_model.planning.covering import Infeasible, cover, solve
from queue_model.planning.rota import Rota, at_work, make_rota
from queue_model.planning.shift_patterns import QUARTERS, Shift, shift_patterns
from queue_model.planning.staffing_trials import Goal
from queue_model.planning.workforce import Workforce
from queue_model.runs.measures.targets import Bound
from queue_model.scenario import study
from queue_model.scenario.study import ScenarioError, Study, merged
from queue_model.simulation import kernel
from queue_model.simulation.builder import Builder
from queue_model.simulation.records import Work

BASELINE, PEOPLE = "scenarios/baseline.yaml", "scenarios/people.yaml"
SLOTS = [f"{minutes // 60:02}:{minutes % 60:02}" for minutes in range(9 * 60, 18 * 60, 30)]
NEED = {
    "monday": [5, 8, 8, 9, 10, 9, 7, 6, 6, 7, 8, 9, 9, 8, 7, 6, 4, 3],
    "tuesday": [5, 6, 8, 9, 9, 8, 6, 6, 6, 6, 7, 8, 8, 7, 7, 5, 4, 3],
    "wednesday": [5, 6, 7, 8, 8, 7, 6, 6, 5, 7, 7, 8, 7, 7, 6, 5, 4, 3],
    "thursday": [5, 6, 7, 8, 8, 7, 6, 6, 5, 6, 7, 7, 7, 7, 6, 5, 4, 3],
    "friday": [4, 5, 6, 7, 7, 7, 5, 5, 5, 5, 6, 6, 7, 6, 6, 4, 4, 3],
}
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")
REQUIREMENTS = {day: dict(zip(SLOTS, need, strict=True)) for day, need in NEED.items()}
PAUSE = {"minutes": 15, "after": 60, "latest": 180}


@pytest.fixture(scope="module")
def baseline() -> Study:
    return study.load(BASELINE)


@pytest.fixture(scope="module")
def force() -> Workforce:
    return workforce.load(PEOPLE).workforce


@pytest.fixture(scope="module")
def month(baseline: Study, force: Workforce) -> Rota:
    return make_rota(baseline, force, REQUIREMENTS)


def plain(**changes: Any) -> dict[str, Any]:
    """Six people on two shifts of four hours and a half."""
    whole: dict[str, Any] = merged(
        {
            "title": "sei",
            "shifts": {
                "mattina": {
                    "starts": ["09:00"],
                    "minutes": 270,
                    "breaks": [{"minutes": 15, "after": 60, "latest": 180}],
                },
                "pomeriggio": {"starts": ["13:30"], "minutes": 270},
            },
            "contracts": {"pieno": {"hours": 22.5}},
            "people": {str(code): {"contract": "pieno"} for code in range(1, 7)},
            "rules": {"spare": 0},
        },
        changes,
    )
    return whole


def of(**changes: Any) -> Workforce:
    return workforce.of(plain(**changes)).workforce


def flat(people: int) -> dict[str, dict[str, int]]:
    return {day: dict.fromkeys(SLOTS, people) for day in WEEK}


# --- known optima ----------------------------------------------------------------------------------------------------


def test_the_post_office() -> None:
    """Winston, Operations Research: five days on, two off; 23 people, while the linear programme gives 67/3."""
    week = np.array([[(day - start) % 7 < 5 for start in range(7)] for day in range(7)], dtype=float)
    need = [17, 13, 15, 19, 14, 16, 11]
    found = cover(need, week, np.ones(7))
    assert found.cost == 23
    assert found.gap == 0
    assert (week @ found.use >= need).all()
    relaxed = solve(np.ones(7), [(week, need, np.inf)], integral=0)
    assert relaxed.cost == pytest.approx(67 / 3)


def test_union_airways() -> None:
    """Hillier and Lieberman, Introduction to Operations Research: five shifts, $30,610 a day at (48, 31, 39, 43, 15).

    Two-hour periods from six in the morning, the night from midnight to six as one.
    """
    need = [48, 79, 65, 87, 64, 73, 82, 43, 52, 15]
    spans = [(0, 4), (1, 5), (3, 7), (5, 9), (8, 10)]
    works = np.array([[begin <= period < end for begin, end in spans] for period in range(10)], dtype=float)
    cost = [170, 160, 175, 180, 195]
    found = cover(need, works, cost)
    assert found.cost == 30_610
    assert found.use.tolist() == [48, 31, 39, 43, 15]
    assert found.gap == 0
    # It is the only optimum: with a difference of at least one in any shift, every solution costs more.
    for shift in range(5):
        for low, high in ((0, found.use[shift] - 1), (found.use[shift] + 1, np.inf)):
            row = np.eye(5)[[shift]]
            try:
                other = solve(cost, [(works, need, np.inf), (row, low, high)])
            except Infeasible:
                continue
            assert other.cost > 30_610


# --- covering --------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=4, max_size=4), st.integers(0, 5))
def test_unmet_requirements_have_the_least_shortfall(need: list[int], people: int) -> None:
    """Compared with enumeration: three columns of two periods each, and a limited number of people."""
    works = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])
    found = cover(need, works, np.ones(3), rules=[(np.ones((1, 3)), 0, people)])
    uses = [np.array([a, b, c]) for a in range(6) for b in range(6) for c in range(6) if a + b + c <= people]
    shortfalls = [np.maximum(0, np.array(need) - works @ use).sum() for use in uses]
    assert found.short.sum() == min(shortfalls)
    cheapest = min(use.sum() for use, short in zip(uses, shortfalls, strict=True) if short == min(shortfalls))
    assert found.cost >= cheapest
    assert found.use.sum() <= people
    assert (works @ found.use >= np.array(need) - found.short).all()
    assert found.met == (min(shortfalls) == 0)


def test_a_shortfall_is_spread() -> None:
    """Two are required in each of six places and six people exist: one is missing everywhere, nowhere two."""
    found = cover([2] * 6, np.eye(6), np.ones(6), rules=[(np.ones((1, 6)), 0, 6)])
    assert found.short.tolist() == [1] * 6


@given(st.lists(st.integers(0, 4), min_size=2, max_size=4), st.integers(0, 6))
@settings(max_examples=20)
def test_a_shortfall_is_least_before_it_is_spread(need: list[int], people: int) -> None:
    """Compared with enumeration: each column also covers the next place."""
    works = np.array([[1, 0], [1, 1], [0, 1], [0, 1]])[: len(need)]
    found = cover(need, works, np.ones(2), rules=[(np.ones((1, 2)), 0, people)])
    uses = [np.array([a, b]) for a in range(5) for b in range(5) if a + b <= people]
    shortfalls = [np.maximum(0, np.array(need) - works @ use) for use in uses]
    least = min(each.sum() for each in shortfalls)
    assert found.short.sum() == least
    worst = [(each * (each + 1) / 2).sum() for each in shortfalls if each.sum() == least]
    assert (found.short * (found.short + 1) / 2).sum() == min(worst)


def test_contradictory_rules_are_infeasible() -> None:
    with pytest.raises(Infeasible):
        cover([1], [[1]], [1], rules=[(np.ones((1, 1)), 3, 2)])


def test_columns_must_fit_the_requirements() -> None:
    with pytest.raises(ModelError, match=r"columns: \(1, 2\) for 1 requirements and 1 costs"):
        cover([1], [[1, 1]], [1])


# --- columns ---------------------------------------------------------------------------------------------------------


def test_breaks_begin_on_quarters() -> None:
    found = shift_patterns(of())
    morning = [each for each in found if each.shift.kind == "mattina"]
    assert [each.breaks[0] for each in morning] == [(at, at + 15) for at in range(600, 721, 15)]
    assert all(each.works.sum() == 17 and each.present.sum() == 18 for each in morning)
    assert len(found) == len(morning) + 1


def test_two_breaks_come_one_after_the_other() -> None:
    pauses = [{"minutes": 30, "after": 60, "latest": 90}, {"minutes": 15, "after": 60, "latest": 120}]
    found = shift_patterns(_two(pauses))
    assert {each.breaks for each in found} == {
        ((600, 630), (630, 645)), ((600, 630), (645, 660)), ((600, 630), (660, 675)),
        ((615, 645), (645, 660)), ((615, 645), (660, 675)),
        ((630, 660), (660, 675)),
    }  # fmt: skip


def _two(pauses: list[dict[str, int]]) -> Workforce:
    written = plain()
    written["shifts"] = {"mattina": {"starts": ["09:00"], "minutes": 270, "breaks": pauses}}
    return workforce.of(written).workforce


# --- the month of the example ----------------------------------------------------------------------------------------


def test_a_month_of_24_people_is_covered_near_the_minimum_of_hours(month: Rota) -> None:
    assert len(month.days) == 20
    assert not month.shortages
    assert not month.open_shifts
    assert month.gap <= 0.01
    for day in month.days:
        assert (month.planned(day) >= month.required[day]).all()
        assert (month.planned(day) >= month.with_spare[day]).all()


def test_all_shifts_keep_to_the_rules(month: Rota, force: Workforce) -> None:
    mine = defaultdict(list)
    for duty in month.duties:
        mine[duty.person].append(duty)
    assert set(mine) == set(force.people)
    for code, duties in mine.items():
        person = force.people[code]
        days = [duty.day for duty in duties]
        assert len(set(days)) == len(days)
        assert all(is_present(person, duty.day) and may_work(person, duty.pattern.shift) for duty in duties)
        weeks: dict[date, float] = defaultdict(float)
        for duty in duties:
            weeks[duty.day - timedelta(duty.day.weekday())] += duty.pattern.shift.minutes / 60
        assert max(weeks.values()) <= force.contracts[person.contract].hours
        for before, after in pairwise(duties):
            rest = (after.day - before.day).days * 24 + (after.pattern.shift.start - before.pattern.shift.end) / 60
            assert rest >= force.rules.rest_hours


def test_seats_suffice_at_every_moment(month: Rota) -> None:
    for day in month.days:
        present = np.sum([duty.pattern.present for duty in month.duties if duty.day == day], axis=0)
        assert present.max() <= 12


def test_early_and_late_are_shared_fairly(month: Rota, force: Workforce) -> None:
    """People with the same contract and without limits or absences differ by at most two shifts."""
    ordinary = [code for code, each in force.people.items() if each == workforce.Person("pieno")]
    assert len(ordinary) == 18
    for kind in force.shifts:
        counts = [sum(d.person == code and d.pattern.shift.kind == kind for d in month.duties) for code in ordinary]
        assert max(counts) - min(counts) <= 2


def test_the_simulation_uses_the_shifts_and_breaks_of_the_rota(month: Rota, baseline: Study) -> None:
    """Without absence or lateness, the people in the engine are seated and on break as planned."""
    calm = {"absence": 0, "late": None, "break_overrun": None}
    quiet = study.load(BASELINE, changes={"operators": calm, "arrivals": {"per_day": 1}, "mails": {"per_day": 0}})
    codes = list(month.force.people)
    plan = rota_check.roster(quiet, codes, month.duties)
    builder = Builder(quiet)
    builder.roster = plan
    work = kernel.simulate(builder.inputs(0).inputs).work
    seated = work[work["kind"] == Work.SEATED]
    planned = {
        (codes.index(duty.person), quiet.period.seconds((duty.day - quiet.period.first).days, duty.pattern.shift.start))
        for duty in month.duties
    }
    assert {(int(row["operator"]), float(row["start"])) for row in seated} == planned
    breaks = work[work["kind"] == Work.BREAK]
    assert len(breaks) == sum(len(duty.pattern.breaks) for duty in month.duties)
    assert breaks["end"] - breaks["start"] == pytest.approx(900, abs=1200)


def test_the_simulation_judges_the_rota(month: Rota) -> None:
    goal = Goal("service_level", 0.8, at_least=True)
    good = rota_check.check_rota(month, [goal], replications=4)
    (verdict,) = good.verdicts
    assert verdict.verdict == "holds"
    hard = rota_check.check_rota(month, [Goal("service_level", 0.999, at_least=True)], replications=4)
    assert hard.verdicts[0].verdict == "fails"
    assert hard.verdicts[0].missed
    assert "monday 10:30" in {name for name, _ in (*hard.verdicts[0].missed, *hard.verdicts[0].close)}
    again = rota_check.check_rota(month, [goal], replications=4, jobs=1)
    assert again.result.estimate("service_level") == good.result.estimate("service_level")


def test_a_rota_is_judged_by_the_interval_as_check_judges(month: Rota) -> None:
    """The value meets the goal but its interval does not: the verdict is too close to tell, as in check."""
    value = rota_check.check_rota(month, [], replications=3).result.estimate("service_level")
    assert value.value is not None and value.half is not None
    goal = Goal("service_level", value.value - value.half / 2, at_least=True)
    (found,) = rota_check.check_rota(month, [goal], replications=3).verdicts
    theirs = Bound(goal.measure, goal.value, goal.at_least, "").judge(found.whole)
    assert found.verdict == theirs == "too close to tell"
    more = rota_check.check_rota(month, [goal], replications=3, most=6)
    assert more.result.replications == 6
    assert {name for name, _ in found.missed}.isdisjoint(name for name, _ in found.close)


def test_spare_people_are_dropped_before_required_people(baseline: Study) -> None:
    """Every day as busy as the busiest: contract hours do not allow all spare people, but nobody else is missing."""
    busy = dict.fromkeys(WEEK, REQUIREMENTS["monday"])
    found = make_rota(week(baseline), workforce.load(PEOPLE).workforce, busy)
    assert not found.shortages
    assert any((found.planned(day) < found.with_spare[day]).any() for day in found.days)


# --- what cannot be done ---------------------------------------------------------------------------------------------


def week(baseline: Study) -> Study:
    return study.load(BASELINE, changes={"period": {"first": date(2026, 10, 5), "days": 7}})


def test_a_shortage_is_reported_with_its_size(baseline: Study) -> None:
    """Six people where four are required at once, morning and afternoon: every day two are missing somewhere."""
    found = make_rota(week(baseline), of(), flat(4))
    assert found.shortages
    missing = sum((each.required - each.planned) * (each.until - each.start) for each in found.shortages) / 60
    # 36 person-hours per day are required; six people work 27, minus the breaks of mornings.
    assert missing == pytest.approx(5 * (36 - 27) + sum(15 / 60 for d in found.duties if d.pattern.breaks), abs=5)
    assert len(found.duties) == 30
    said = str(found.shortages[0])
    assert said.startswith("monday 2026-10-05 ") and "short)" in said


def test_the_cover_accounts_for_absences(baseline: Study) -> None:
    away = {"1": {"absences": [{"first": date(2026, 10, 6)}]}, "2": {"absences": [{"first": date(2026, 10, 6)}]}}
    found = make_rota(week(baseline), of(people=away, shifts={"mattina": {"breaks": []}}), flat(3))
    assert {each.day for each in found.shortages} == {date(2026, 10, 6)}
    assert not {duty.person for duty in found.duties if duty.day == date(2026, 10, 6)} & {"1", "2"}


def test_rest_forbids_an_early_shift_after_a_late_one() -> None:
    force = of(rules={"rest_hours": 16})
    late, early = Shift(810, 1080, "pomeriggio"), Shift(540, 810, "mattina")
    first, second = date(2026, 10, 5), date(2026, 10, 6)
    found = assign(force, {(first, late): 4, (second, early): 3})
    assert found.open_shifts in ({(second, early): 1}, {(first, late): 1})
    assert not set(found.who[first, late]) & set(found.who[second, early])
    assert not assign(of(rules={"rest_hours": 15}), {(first, late): 4, (second, early): 3}).open_shifts


def test_consecutive_days_are_counted_over_the_weekend() -> None:
    force = of(rules={"days_running": 3}, contracts={"pieno": {"hours": 60}})
    early = Shift(540, 810, "mattina")
    days = [date(2026, 10, 8) + timedelta(n) for n in range(7)]
    found = assign(force, dict.fromkeys([(day, early) for day in days], 4))
    for code in force.people:
        worked = [code in found.who[day, early] for day in days]
        assert all(sum(worked[n : n + 4]) <= 3 for n in range(4))
    assert not found.open_shifts


def test_people_only_work_their_shifts_and_weekdays(baseline: Study) -> None:
    force = of(people={"1": {"shifts": ["mattina"]}, "2": {"weekdays": ["monday", "friday"]}})
    found = make_rota(week(baseline), force, flat(1))
    assert {d.pattern.shift.kind for d in found.duties if d.person == "1"} <= {"mattina"}
    assert {d.day.weekday() for d in found.duties if d.person == "2"} <= {0, 4}


def test_minimum_hours_are_worked_even_if_not_needed(baseline: Study) -> None:
    found = make_rota(week(baseline), of(contracts={"pieno": {"hours": 22.5, "least": 18}}), flat(1))
    assert found.hours == 6 * 18
    with pytest.raises(ModelError, match="lower contracts"):
        seated = study.load(BASELINE, changes={"period": {"first": date(2026, 10, 5), "days": 7}, "operators": {
            "seats": 2, "shifts": {"mattina": {"operators": 2}, "pomeriggio": {"operators": 2}}, "reserve": 0,
        }})  # fmt: skip
        make_rota(seated, of(contracts={"pieno": {"hours": 22.5, "least": 22.5}}), flat(1))


def test_spare_people_are_planned_for_absence(baseline: Study) -> None:
    found = make_rota(week(baseline), of(rules={"spare": 0.4}), flat(1))
    assert all((found.with_spare[day][36:72] == 2).all() for day in found.days)
    assert all((at_work([d.pattern for d in found.duties if d.day == day])[36:72] >= 2).all() for day in found.days)


def test_flexible_shifts_with_lunch_and_two_breaks(baseline: Study) -> None:
    """Thousands of patterns: the gap still holds, and every requirement of the day is covered."""
    turn = {
        "starts": ["09:00", "09:30", "10:00"],
        "minutes": 480,
        "breaks": [
            {"minutes": 15, "after": 60, "latest": 120},
            {"minutes": 30, "after": 180, "latest": 270},
            {"minutes": 15, "after": 330, "latest": 420},
        ],
    }
    written = plain(contracts={"pieno": {"hours": 40}}, people={str(n): {"contract": "pieno"} for n in range(1, 17)})
    written["shifts"] = {"giornata": turn, "mattina": {"starts": ["09:00"], "minutes": 240}}
    flexible = workforce.of(written).workforce
    assert len(shift_patterns(flexible)) > 500
    one = study.load(BASELINE, changes={"period": {"first": date(2026, 10, 5), "days": 1}})
    found = make_rota(one, flexible, REQUIREMENTS, gap=0.05, seconds=20)
    assert not found.shortages
    assert found.gap <= 0.05


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shifts": {"mattina": {"starts": ["09:10"]}}}, "people: shifts.mattina.starts[0]: 09:10 is not on a quarter"),
        ({"shifts": {"mattina": {"starts": ["22:00"]}}}, "end after midnight; start earlier"),
        ({"shifts": {"mattina": {"breaks": [{"minutes": 15, "after": 60, "latest": 255}]}}}, "keep it inside"),
        ({"shifts": {"mattina": {"breaks": [{**PAUSE, "latest": 100}]}}}, "latest: must be minutes, a multiple of 15"),
        ({"shifts": {"mattina": {"breaks": [{**PAUSE, "minutes": 20}]}}}, "minutes: must be minutes, a multiple of 15"),
        ({"shifts": {"mattina": {"minutes": 200}}}, "mattina.minutes: must be minutes, a multiple of 15, not 200"),
        ({"shifts": {"mattina": {"breaks": [{"minutes": 15, "after": 90, "latest": 60}]}}}, "breaks[0].latest: 60 is"),
        ({"contracts": {"pieno": {"least": 30}}}, "contracts.pieno.least: 30 h is more than hours, 22.5; lower it"),
        ({"people": {"3": {"contract": "piano"}}}, "people.3.contract: piano does not exist; did you mean"),
        (
            {"people": {"3": {"shifts": ["notte"]}}},
            "people.3.shifts: notte does not exist; use one of mattina, pomeriggio",
        ),
        ({"people": {"3": {"absences": [{"first": "2026-10-09", "last": "2026-10-01"}]}}}, "is before first; swap"),
        ({"people": {"3": {"hours": 3}}}, "people.3.hours"),
        ({"rules": {"days_running": 0}}, "rules.days_running"),
    ],
)
def test_mistakes_are_named_with_path_and_remedy(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        workforce.of(plain(**changes))
    assert words in str(caught.value)


@pytest.mark.parametrize(("start", "minutes", "said"), [("08:45", 270, "08:45-13:15"), ("15:00", 210, "15:00-18:30")])
def test_a_shift_outside_opening_hours_is_named(baseline: Study, start: str, minutes: int, said: str) -> None:
    force = of(shifts={"mattina": {"starts": ["09:00", start], "minutes": minutes}})
    with pytest.raises(ModelError, match=rf"shifts.mattina.starts\[1\]: {said} is outside .* 09:00-18:00; move"):
        make_rota(week(baseline), force, flat(1))


def test_a_missing_requirement_is_named(baseline: Study) -> None:
    lacking = flat(1)
    del lacking["tuesday"]["09:30"]
    with pytest.raises(
        ModelError, match=r"requirements.tuesday.09:30: is missing; write requirements with queue-model staff"
    ):
        make_rota(week(baseline), of(), lacking)


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def required(tmp_path: Path) -> str:
    path = tmp_path / "staff.json"
    path.write_text(json.dumps({"requirements": REQUIREMENTS}))
    return str(path)


def test_the_page_the_json_and_the_csv(required: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = tmp_path / "rota.json", tmp_path / "rota.csv"
    words = ["rota", BASELINE, "--people", PEOPLE, "--requirements", required, "--replications", "5"]
    assert main([*words, "--days", "7", "--json", str(files[0]), "--csv", str(files[1])]) == 0
    said = capsys.readouterr().out
    assert "person  MTWTF  mattina  pomeriggio  hours  allowed" in said
    assert "Every requirement is covered." in said
    assert "proven minimum for these requirements." in said
    assert "Simulated with this rota, with absence and lateness (5 replications" in said
    document, rows = json.loads(files[0].read_text()), list(csv.DictReader(files[1].read_text().splitlines()))
    assert len(document["duties"]) == len(rows)
    assert document["simulated"][0]["verdict"] == "holds"
    assert rows[0]["breaks"].count("-") == 1


def test_a_rota_that_falls_short_ends_with_status_1(
    required: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "few.yaml"
    few.write_text(yaml.safe_dump(plain()))
    words = ["rota", BASELINE, "--people", str(few), "--requirements", required, "--replications", "2", "--days", "7"]
    assert main(words) == 1
    said = capsys.readouterr().out
    assert "Requirements that cannot be met" in said
    assert "monday 2026-10-05 09:" in said


@pytest.mark.parametrize(
    ("content", "words"),
    [("{}", "requirements: missing"), ('{"requirements": {"lunedi": {}}}', "requirements.lunedi: not a weekday")],
)
def test_bad_requirements_are_refused(
    content: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "staff.json"
    path.write_text(content)
    assert main(["rota", BASELINE, "--people", PEOPLE, "--requirements", str(path)]) == 1
    said = capsys.readouterr().err
    assert "staff.json: " in said and words in said


def test_a_missing_people_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rota", BASELINE, "--people", "nobody.yaml"]) == 1
    assert "nobody.yaml: " in capsys.readouterr().err


def test_a_day_has_96_quarters() -> None:
    assert QUARTERS == 96
    assert at_work([]).tolist() == [0] * 96
