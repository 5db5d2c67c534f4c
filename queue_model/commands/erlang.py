"""`queue-model erlang`: how many agents, by formula: Erlang C, Erlang A and the square-root rule side by side."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass

from ivr.cli import Refusal
from ivr.places import Places
from queue_model import words
from queue_model.abandonment import erlang_a
from queue_model.erlang import agents_needed, erlang_c
from queue_model.errors import ModelError, NoSteadyState
from queue_model.square_root import agents_for_target
from queue_model.steady import Steady, fewest_agents

AROUND = 2
EXAMPLES = """
examples:
  queue-model erlang --calls 32/30min --aht 360 --patience 180
      how many agents answer 80 % of the calls within 20 s (--target 80/20)
  queue-model erlang --calls 64/h --aht 6min --patience 3min --agents 8
      what eight agents make of it
  queue-model erlang --calls 64/h --aht 6min --patience 3min --target 90/30 --limit 14
      with 14 lines: at most so many calls at once, the next caller hears the engaged tone

Erlang C is too pessimistic when callers give up, as they do; Erlang A is the one to believe. Both take calls and agents
as constant for a long time and handling times as exponential; a whole day, with shifts, is a matter for simulation.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--calls", type=words.calls, required=True, metavar="N/TIME", help="calls offered: 32/30min, 64/h")
    add("--aht", type=words.duration, required=True, metavar="TIME", help="mean handling time, wrap-up included: 6min")
    add(
        "--patience", type=words.duration, metavar="TIME", help="mean time after which callers give up (default: never)"
    )
    add("--limit", type=words.agents, metavar="K", help="lines: most calls at once, in conversation or waiting")
    add("--json", action="store_true", help="for programs: full digits, seconds and shares")
    goal = parser.add_mutually_exclusive_group()
    goal.add_argument("--agents", type=words.agents, metavar="N", help="look at so many agents")
    default = words.Target(0.8, 20.0)
    goal.add_argument(
        "--target",
        type=words.target,
        default=default,
        metavar="P/S",
        help="find the fewest agents for: 80/20 (default)",
    )


def run(options: argparse.Namespace, places: Places) -> int:
    question = Question(
        options.calls, options.aht, options.patience, options.limit, options.target, chosen=options.agents
    )
    if question.chosen is not None:
        question.real(question.chosen)  # refuses what has no steady state
    answers = Answers(question)
    if options.json:
        print(json.dumps(_document(question, answers), indent=1))
    else:
        print("\n".join(_page(question, answers)))
    return 0


@dataclass(frozen=True)
class Question:
    calls: words.Calls
    aht: float
    patience: float | None
    limit: int | None
    target: words.Target
    chosen: int | None

    @property
    def load(self) -> float:
        return self.calls.rate * self.aht

    @property
    def plain(self) -> bool:
        """Nobody gives up and nobody is refused: Erlang C says it all."""
        return self.patience is None and self.limit is None

    def endless(self, agents: int) -> Steady | None:
        """Erlang C; None without a steady state."""
        try:
            return erlang_c(self.calls.rate, self.aht, agents)
        except NoSteadyState:
            return None

    def real(self, agents: int) -> Steady:
        """Erlang A, with a limit when there is one. Raises Refusal."""
        if self.limit is not None and agents > self.limit:
            raise Refusal(f"--agents {agents}: more than --limit {self.limit} calls; there are not so many lines")
        try:
            return erlang_a(self.calls.rate, self.aht, agents, self.patience, self.limit)
        except NoSteadyState as problem:
            raise Refusal(f"{problem}; or say with --patience when callers give up") from None


class Answers:
    """The fewest agents by each way of reckoning; None where a formula has no answer."""

    def __init__(self, question: Question) -> None:
        rate, aht, goal = question.calls.rate, question.aht, question.target
        self.endless = agents_needed(rate, aht, goal.share, goal.within)
        self.root = agents_for_target(question.load, aht, goal.share, goal.within)
        self.real: int | None = None
        self.real_root: int | None = None
        if question.patience is not None:
            self.real_root = agents_for_target(question.load, aht, goal.share, goal.within, question.patience)
        if question.plain:
            return
        try:
            self.real = fewest_agents(question.real, goal.share, goal.within, 1, question.limit)
        except ModelError as problem:
            if question.chosen is None:
                raise Refusal(f"{problem}; ask for less with --target, or raise --limit") from None

    def shown(self, question: Question) -> list[int]:
        """The numbers of agents for the table: those around the answers."""
        centres = [question.chosen] if question.chosen else [self.endless, self.real]
        around = {n for centre in centres if centre for n in range(centre - AROUND, centre + AROUND + 1)}
        return sorted(n for n in around if 1 <= n <= (question.limit or n))


# --- for people -------------------------------------------------------------------------------------------------------


def _page(question: Question, answers: Answers) -> Iterator[str]:
    calls, goal = question.calls, question.target
    count = f"{words.count(calls.count)} calls in {words.time(calls.seconds)}"
    yield f"{count}, {words.time(question.aht)} each: {words.count(question.load)} erlangs."
    if question.patience is not None:
        yield f"Callers give up after {words.time(question.patience)} on average."
    if question.limit is not None:
        yield f"At most {question.limit} calls at once; the next caller hears the engaged tone."
    yield ""
    yield from _table(question, answers)
    yield ""
    yield f"Fewest agents to answer {100 * goal.share:g} % of all calls within {words.time(goal.within)}:"
    yield f"  {answers.endless:>6}  Erlang C: callers wait for ever"
    if answers.real is not None:
        yield f"  {answers.real:>6}  {_name(question)}: {_meaning(question)}"
    yield f"  {answers.root:>6}  square-root rule, callers wait for ever"
    if answers.real_root is not None:
        yield f"  {answers.real_root:>6}  square-root rule, callers give up"
    if question.plain:
        yield "Callers do give up: with --patience 3min you would see how many, and may need fewer agents."


def _name(question: Question) -> str:
    if question.patience is None:
        return f"M/M/c/{question.limit}"
    return "Erlang A" if question.limit is None else f"Erlang A with {question.limit} lines"


def _meaning(question: Question) -> str:
    gives_up = [] if question.patience is None else ["callers give up"]
    return " and ".join([*gives_up, *([] if question.limit is None else ["some are refused"])])


def _table(question: Question, answers: Answers) -> Iterator[str]:
    goal = f"in {question.target.within:g} s"
    endless, real = ["wait", goal, "ASA", "busy"], ["wait", goal, "ASA", "give up", "busy"]
    if question.patience is None:
        real.remove("give up")
    if question.limit is not None:
        real.insert(-1, "refused")
    rows: list[list[str]] = [["agents", *endless, *([] if question.plain else ["|", *real])]]
    for agents in answers.shown(question):
        cells = _cells(question.endless(agents), endless, question.target.within)
        if not question.plain:
            cells += ["|", *_cells(question.real(agents), real, question.target.within)]
        rows.append([f"{agents}{_mark(question, answers, agents)}", *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    if not question.plain:
        left = lines[0].index("|")
        yield f"{'Erlang C':>{left - 2}}  |  {_name(question)}"
    previous = 0
    for agents, line in zip([0, *answers.shown(question)], lines, strict=True):
        if previous and agents > previous + 1:
            yield "   ..."
        yield line
        previous = agents
    yield "* looked at" if question.chosen else "* the fewest that will do"
    yield "wait: share of callers who do not find an agent at once; ASA: mean wait of those answered; busy: share of"
    yield "the agents' time that is spent on calls. Shares are of all calls offered. inf: the queue grows for ever."


def _mark(question: Question, answers: Answers, agents: int) -> str:
    marked = question.chosen or (answers.endless if question.plain else answers.real)
    return "*" if agents == marked else " "


def _cells(queue: Steady | None, columns: list[str], within: float) -> list[str]:
    if queue is None:
        return ["-", "-", "inf", "-"]
    shown = {
        "wait": words.percent(queue.wait_probability),
        f"in {within:g} s": words.percent(queue.service_level(within)),
        "ASA": words.time(queue.asa),
        "give up": words.percent(queue.abandoned),
        "refused": words.percent(queue.blocked),
        "busy": words.percent(queue.occupancy),
    }
    return [shown[column] for column in columns]


# --- for programs -----------------------------------------------------------------------------------------------------


def _document(question: Question, answers: Answers) -> dict[str, object]:
    goal = question.target
    rows = []
    for agents in answers.shown(question):
        row: dict[str, object] = {"agents": agents, "erlang_c": _measures(question.endless(agents), goal.within)}
        if not question.plain:
            row["erlang_a"] = _measures(question.real(agents), goal.within)
        rows.append(row)
    return {
        "calls_per_second": question.calls.rate,
        "aht": question.aht,
        "patience": question.patience,
        "limit": question.limit,
        "load": question.load,
        "target": {"share": goal.share, "within": goal.within},
        "agents": question.chosen,
        "fewest": {
            "erlang_c": answers.endless,
            "erlang_a": answers.real,
            "square_root": answers.root,
            "square_root_patience": answers.real_root,
        },
        "rows": rows,
    }


def _measures(queue: Steady | None, within: float) -> dict[str, float] | None:
    if queue is None:
        return None
    return {
        "wait_probability": queue.wait_probability,
        "service_level": queue.service_level(within),
        "asa": queue.asa,
        "mean_wait": queue.mean_wait,
        "wait_p90": queue.wait_percentile(0.9),
        "abandoned": queue.abandoned,
        "blocked": queue.blocked,
        "occupancy": queue.occupancy,
        "mean_queue": queue.mean_queue,
    }
