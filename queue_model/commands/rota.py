"""`queue-model rota`: plans shifts and breaks for people from requirements, then checks them by simulation."""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from charter.calendar import WEEKDAYS
from charter.kpi_definitions import DEFINITIONS
from common.command_line import Refusal
from common.documents import Unreadable, read
from common.languages import add_language
from common.places import Places, short_path
from queue_model.commands import simulation_options
from queue_model.planning import rota_check, workforce
from queue_model.planning.rota import Rota, make_rota
from queue_model.planning.shift_patterns import ShiftPattern
from queue_model.planning.staffing import DEFAULT, find_staffing
from queue_model.planning.staffing_trials import goals
from queue_model.planning.weekly_half_hours import clock
from queue_model.reports import output_files, text_tables
from queue_model.reports import rota as rota_report
from queue_model.runs.measures.targets import MOST
from queue_model.runs.replication import Result

EXAMPLES = """
The --people file lists contracts, absences, shifts, breaks and rules (scenarios/people.yaml is an example). The
requirements come from `queue-model staff SCENARIO --json FILE`; without --requirements they are calculated first.

exit status: 0 all requirements are covered and the targets hold in the simulation, 1 a requirement is not covered or a
target fails, 2 a target is too close to tell

examples:
  queue-model rota scenarios/baseline.yaml --people scenarios/people.yaml
  queue-model staff scenarios/baseline.yaml --json staff.json
  queue-model rota scenarios/baseline.yaml --people scenarios/people.yaml --requirements staff.json --csv rota.csv
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    simulation_options.scenario_arguments(parser)
    simulation_options.simulation_arguments(parser)
    add = parser.add_argument
    add("--people", required=True, metavar="FILE", help="the people document: scenarios/people.yaml")
    add("--requirements", metavar="FILE", help="the output of queue-model staff --json (default: calculate it now)")
    add("--gap", type=_gap, default=0.01, metavar="SHARE", help="accepted distance from the optimum (default: 0.01)")
    add("--seconds", type=_seconds, default=30.0, metavar="S", help="time limit of each programme (default: 30)")
    add("--json", nargs="?", const="-", metavar="FILE", help="all figures as JSON (default: standard output)")
    add("--csv", nargs="?", const="-", metavar="FILE", help="one duty per line (default: standard output)")
    add("--html", metavar="FILE", help="write a page with a Gantt chart of each week, one file")
    add_language(parser, "en", "of the --html page")


def run(options: argparse.Namespace, places: Places) -> int:
    study = simulation_options.study_of(options, places)
    force = workforce.load(options.people).workforce
    simulation = simulation_options.run_arguments(options)
    with simulation_options.progress_bar() as progress:
        if options.requirements:
            requirements = _requirements(options.requirements)
        else:
            found = find_staffing(study, **simulation, jobs=options.jobs, progress=progress)
            requirements = found.requirements()
        rota = make_rota(study, force, requirements, gap=options.gap, seconds=options.seconds)
        checked = rota_check.check_rota(
            rota, goals(study) or [DEFAULT], **simulation, jobs=options.jobs, most=MOST, progress=progress
        )
    if options.json:
        output_files.write_output(
            json.dumps(document(rota, checked.verdicts), indent=1, ensure_ascii=False) + "\n", options.json
        )
    if options.csv:
        output_files.write_output(_csv(rota), options.csv)
    if options.html:
        output_files.write_output(rota_report.report(rota, checked, options.language), options.html)
    if "-" not in (options.json, options.csv, options.html):
        print("\n".join(page(rota, checked)))
    verdicts = {each.verdict for each in checked.verdicts}
    if rota.shortages or "fails" in verdicts:
        return 1
    return 2 if "too close to tell" in verdicts else 0


def _requirements(path: str) -> Mapping[str, Mapping[str, int]]:
    try:
        written = read(path, missing="no such file; write it with queue-model staff SCENARIO --json")
    except Unreadable as problem:
        raise Refusal(f"{short_path(path)}: {problem}") from None
    found = written.get("requirements") if isinstance(written, dict) else None
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise Refusal(
            f"{short_path(path)}: requirements: missing; write the file with queue-model staff SCENARIO --json"
        )
    unknown = next((day for day in found if day not in WEEKDAYS), None)
    if unknown is not None:
        raise Refusal(f"{short_path(path)}: requirements.{unknown}: not a weekday; use {', '.join(WEEKDAYS)}")
    return found


# --- for people ------------------------------------------------------------------------------------------------------


def page(rota: Rota, checked: rota_check.RotaCheck) -> Iterator[str]:
    """The lines to print."""
    yield rota.study.scenario.title
    yield f"{rota.force.title}: {len(rota.force.people)} people, {len(rota.days)} days of service from {rota.days[0]}"
    yield ""
    yield from _calendar(rota)
    yield ""
    yield from _cost(rota)
    yield from _short(rota)
    yield ""
    yield from _checked(checked.result, checked.verdicts)


def _calendar(rota: Rota) -> list[str]:
    """A line per person, a letter per day, a gap between weeks."""
    letters = _letters(list(rota.force.shifts))
    worked = {(duty.person, duty.day): letters[duty.pattern.shift.kind] for duty in rota.duties}
    gaps = [" " if n and day.weekday() < rota.days[n - 1].weekday() else "" for n, day in enumerate(rota.days)]

    def line(cells: list[str]) -> str:
        return "".join(gap + cell for gap, cell in zip(gaps, cells, strict=True))

    rows = [["person", line([WEEKDAYS[day.weekday()][0].upper() for day in rota.days]), *letters, "hours", "allowed"]]
    weeks = len({day.isocalendar()[:2] for day in rota.days})
    for code, person in rota.force.people.items():
        own = [duty for duty in rota.duties if duty.person == code]
        kinds = [str(sum(duty.pattern.shift.kind == kind for duty in own)) for kind in letters]
        hours = sum(duty.pattern.shift.minutes for duty in own) / 60
        allowed = rota.force.contracts[person.contract].hours * weeks
        rows.append(
            [code, line([worked.get((code, day), ".") for day in rota.days]), *kinds, f"{hours:g}", f"{allowed:g}"]
        )
    key = ", ".join(f"{letter} = {kind}" for kind, letter in letters.items())
    return [*text_tables.table(rows, 2), key]


def _letters(kinds: list[str]) -> dict[str, str]:
    """One letter for each kind of shift: the first in its name that is free."""
    found: dict[str, str] = {}
    for kind in kinds:
        free = (each for each in (kind + "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789").upper() if each.isalnum())
        found[kind] = next((each for each in free if each not in found.values()), "*")
    return found


def _cost(rota: Rota) -> Iterator[str]:
    quality = "proven minimum" if rota.gap < 1e-6 else f"at most {100 * rota.gap:.2f} % above the minimum"
    if rota.open_shifts:
        quality = "less than the cover needs, see below"
    yield f"{rota.hours:,.1f} hours in {len(rota.duties)} shifts: {quality} for these requirements."
    if rota.unfair > 0.5:
        reason = "because of the rules and the shifts that people can work"
        yield f"Fair shares are missed by {rota.unfair:.0f} shifts in total, {reason}."
    else:
        yield "Everyone has a fair share of each kind of shift, to within one shift."


def _short(rota: Rota) -> Iterator[str]:
    for (day, shift), count in sorted(rota.open_shifts.items()):
        yield f"nobody can take: {count} x {shift} on {WEEKDAYS[day.weekday()]} {day}"
    lacking = sum(int((rota.planned(day) < rota.with_spare[day]).sum()) for day in rota.days)
    if not rota.shortages:
        yield "Every requirement is covered."
    if lacking:
        yield f"Some spare people for absence are missing in {lacking} quarters of an hour."
    if not rota.shortages:
        return
    person_hours = sum((each.required - each.planned) * (each.until - each.start) for each in rota.shortages) / 60
    yield f"Requirements that cannot be met, {person_hours:g} person-hours in total, the minimum of the cover:"
    for each in rota.shortages:
        yield f"  {each}"


def _checked(result: Result, verdicts: list[rota_check.GoalResult]) -> Iterator[str]:
    runs = f"{result.replications} replications, seed {result.seed}"
    yield f"Simulated with this rota, with absence and lateness ({runs}):"
    rows = [["measure", "target", "value", "95 % interval", ""]]
    for each in verdicts:
        name, kind = each.goal.measure, text_tables.kind(each.goal.measure)
        target = f"{'>=' if each.goal.at_least else '<='} {text_tables.number(each.goal.value, kind)}"
        title = DEFINITIONS[name].title("en", **result.measurer.thresholds._asdict())
        rows.append([
            title, target, text_tables.number(each.whole.value, kind), text_tables.interval(each.whole, kind),
            each.verdict,
        ])  # fmt: skip
    for name in ("abandonment", "wait_mean_answered", "occupancy", "on_time_email", "on_time_second_level"):
        if name not in {each.goal.measure for each in verdicts} and name in result.sums[0].whole:
            estimate, kind = result.estimate(name), text_tables.kind(name)
            title = DEFINITIONS[name].title("en", **result.measurer.thresholds._asdict())
            rows.append([title, "", text_tables.number(estimate.value, kind), text_tables.interval(estimate, kind), ""])
    yield from text_tables.table(rows)
    yield from _missed(verdicts)


def _missed(verdicts: list[rota_check.GoalResult]) -> Iterator[str]:
    """The half-hours of the week that miss a target, even if the whole period meets it."""
    for verdict in verdicts:
        name, kind = verdict.goal.measure, text_tables.kind(verdict.goal.measure)
        misses = [f"{label} {text_tables.number(estimate.value, kind)}" for label, estimate in verdict.missed]
        if misses:
            yield from text_tables.wrapped(
                f"Half-hours that miss the target, {name.replace('_', ' ')}: {'; '.join(misses)}."
            )
        if verdict.close:
            many = f"{len(verdict.close)} half-hour{'' if len(verdict.close) == 1 else 's'}"
            yield f"Too close to tell in {many}; use more --replications."


# --- for programs ----------------------------------------------------------------------------------------------------


def document(rota: Rota, verdicts: list[rota_check.GoalResult]) -> dict[str, Any]:
    """All results as plain values."""
    return {
        "scenario": rota.study.scenario.title,
        "people": rota.force.title,
        "hours": rota.hours,
        "bound": rota.bound,
        "gap": rota.gap,
        "fair_shares_missed": rota.unfair,
        "duties": [
            {
                "day": duty.day.isoformat(), "person": duty.person, "shift": duty.pattern.shift.kind,
                "from": clock(duty.pattern.shift.start), "until": clock(duty.pattern.shift.end),
                "breaks": [[clock(begin), clock(end)] for begin, end in duty.pattern.breaks],
            }
            for duty in rota.duties
        ],
        "open_shifts": [
            {"day": day.isoformat(), "shift": shift.kind, "from": clock(shift.start), "people": count}
            for (day, shift), count in sorted(rota.open_shifts.items())
        ],
        "shortages": [
            {
                "day": each.day.isoformat(), "from": clock(each.start), "until": clock(each.until),
                "required": each.required, "planned": each.planned,
            }
            for each in rota.shortages
        ],
        "simulated": [
            {
                "measure": each.goal.measure, "target": each.goal.value, "value": each.whole.value,
                "low": each.whole.low, "high": each.whole.high, "verdict": each.verdict,
                "missed_from": [label for label, _ in each.missed],
                "too_close_from": [label for label, _ in each.close],
            }
            for each in verdicts
        ],
    }  # fmt: skip


def _csv(rota: Rota) -> str:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("day", "person", "shift", "from", "until", "breaks"))
    for duty in rota.duties:
        shift = duty.pattern.shift
        rows.writerow((duty.day, duty.person, shift.kind, clock(shift.start), clock(shift.end), _breaks(duty.pattern)))
    return out.getvalue()


def _breaks(column: ShiftPattern) -> str:
    return " ".join(f"{clock(begin)}-{clock(end)}" for begin, end in column.breaks)


# --- types of the arguments ---------------------------------------------------------------------------------------


def _gap(text: str) -> float:
    return _bounded(text, 0.0, 0.5, "a share from 0 to 0.5: 0.01")


def _seconds(text: str) -> float:
    return _bounded(text, 0.1, 86_400.0, "seconds, 0.1 or more: 30")


def _bounded(text: str, low: float, high: float, example: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r}: write {example}")
    return value
