"""`queue-model erlang`: how many agents, by formula: Erlang C, Erlang A and the square-root rule side by side; or a
whole day, slot by slot, by its forward equations (`queue_model.commands.erlang_day`)."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

from common.command_line import Refusal
from common.places import Places
from queue_model.commands import quantities
from queue_model.errors import ModelError, NoSteadyState
from queue_model.theory import patience
from queue_model.theory.abandonment import erlang_a, general_patience
from queue_model.theory.erlang import agents_needed, erlang_c
from queue_model.theory.square_root import agents_for_target
from queue_model.theory.steady import Steady, fewest_agents

AROUND = 2
EXAMPLES = """
examples:
  queue-model erlang --calls 32/30min --aht 360 --patience 180
      how many agents answer 80 % of the calls within 20 s (--target 80/20)
  queue-model erlang --calls 64/h --aht 6min --patience 3min --agents 8
      what eight agents make of it
  queue-model erlang --calls 64/h --aht 6min --patience 3min --target 90/30 --limit 14
      with 14 lines: at most so many calls at once, the next caller hears the engaged tone

  queue-model erlang --calls 64/h --aht 6min --patience weibull:3min,0.7 --balk 5 --agents 8
      patience of another law (M/M/c+GI), and 5 % who hang up as soon as there is any wait
  queue-model erlang --calls 14,22,28,32,32,28/30min --aht 6min --patience 3min --agents 5x2,7x4
      a day from its empty start, half-hour by half-hour, exactly: M(t)/M/s(t)+M

patience: 3min is exponential; or deterministic:3min, lognormal:3min,SIGMA, weibull:3min,SHAPE, gamma:3min,SHAPE,
uniform:0,6min, empirical:30,60,4min (seen times, each as likely). With as many lines as agents it is Erlang B.

Erlang C is too pessimistic when callers give up, as they do; Erlang A is the one to believe. Both take calls and agents
as constant for a long time. In a day (--calls with a number for each slot) who goes off duty finishes the call in hand,
after the last slot nobody new comes in and the last agents stay until the queue is empty. Handling times are
exponential in all of them; talk of other laws, breaks and e-mails are a matter for simulation.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    calls = "calls offered: 32/30min, 64/h; or those of each slot of a day: 14,22,28/30min"
    add("--calls", type=quantities.offered, required=True, metavar="N/TIME", help=calls)
    add(
        "--aht",
        type=quantities.duration,
        required=True,
        metavar="TIME",
        help="mean handling time, wrap-up included: 6min",
    )
    law = "mean time after which callers give up (default: never), or LAW:TIME,NUMBER"
    add("--patience", type=quantities.patience, metavar="TIME", help=law)
    add("--balk", type=quantities.share, default=0.0, metavar="PERCENT", help="callers who hang up at any wait, %%")
    add("--limit", type=quantities.agents, metavar="K", help="lines: most calls at once, in conversation or waiting")
    busy = "a day: shape of the gamma factor of mean 1 by which days differ (25: by 20 %%)"
    add("--busyness", type=quantities.shape, metavar="SHAPE", help=busy)
    add("--json", action="store_true", help="for programs: full digits, seconds and shares")
    add("--agents", type=quantities.staff, metavar="N", help="look at so many agents; in a day one, or 8x6,7x6 by slot")
    default = quantities.Target(0.8, 20.0)
    goal = "find the fewest agents for: 80/20 (default)"
    add("--target", type=quantities.target, default=default, metavar="P/S", help=goal)


def run(options: argparse.Namespace, places: Places) -> int:
    if isinstance(options.calls, quantities.Slots):
        from queue_model.commands import erlang_day  # brings NumPy and SciPy

        return erlang_day.run(options)
    if options.busyness is not None:
        raise Refusal("--busyness is for a day: give the calls of each slot with --calls 14,22,28/30min")
    if options.agents and (len(options.agents) > 1 or not options.agents[0]):
        raise Refusal("--agents: one number, 1 or more; one for each slot needs --calls by slot, 14,22,28/30min")
    question = Question(
        options.calls,
        options.aht,
        options.patience,
        options.limit,
        options.target,
        chosen=options.agents[0] if options.agents else None,
        balk=options.balk,
    )
    if question.chosen is not None:
        question.sure(question.chosen)  # refuses what has no steady state
    answers = Answers(question)
    if options.json:
        print(json.dumps(_document(question, answers), indent=1))
    else:
        print("\n".join(_page(question, answers)))
    return 0


@dataclass(frozen=True)
class Question:
    calls: quantities.Calls
    aht: float
    patience: quantities.PatienceLaw | None
    limit: int | None
    target: quantities.Target
    chosen: int | None
    balk: float = 0.0  # share that hangs up at any wait

    def __post_init__(self) -> None:
        if not self.exponential and self.limit is not None:
            raise Refusal("--limit goes with exponential patience alone, or none; leave out --balk and the other law")
        _law(self.patience, self.balk)  # refuses what is none, before any goal is looked for

    @property
    def exponential(self) -> bool:
        """Patience is exponential, or endless, for all."""
        return not self.balk and (self.patience is None or self.patience.name == "exponential")

    @property
    def mean_patience(self) -> float | None:
        """s; None: nobody gives up."""
        return None if self.patience is None else self.patience.mean

    @property
    def load(self) -> float:
        return self.calls.rate * self.aht

    @property
    def plain(self) -> bool:
        """Nobody gives up and nobody is refused: Erlang C says it all."""
        return self.patience is None and self.limit is None and not self.balk

    def endless(self, agents: int) -> Steady | None:
        """Erlang C; None without a steady state."""
        try:
            return erlang_c(self.calls.rate, self.aht, agents)
        except NoSteadyState:
            return None

    @property
    def least(self) -> int:
        """The fewest agents with whom there is a steady state, by `real`."""
        if self.patience is not None or self.limit is not None:
            return 1
        return math.floor((1 - self.balk) * self.load) + 1

    def sure(self, agents: int) -> Steady:
        """Erlang A, with a limit when there is one, or M/M/c+GI. Raises Refusal."""
        if self.limit is not None and agents > self.limit:
            raise Refusal(f"--agents {agents}: more than --limit {self.limit} calls; there are not so many lines")
        try:
            if self.exponential:
                return erlang_a(self.calls.rate, self.aht, agents, self.mean_patience, self.limit)
            return general_patience(self.calls.rate, self.aht, agents, _law(self.patience, self.balk))
        except NoSteadyState as problem:
            raise Refusal(f"{problem}; or say with --patience when callers give up") from None

    def real(self, agents: int) -> Steady | None:
        """The same; None without a steady state."""
        return self.sure(agents) if agents >= self.least else None


def _law(willing: quantities.PatienceLaw | None, balk: float) -> patience.Patience:
    """The law that was written. Raises ModelError."""
    law = patience.Forever() if willing is None else _named(willing)
    return patience.Balking(balk, law) if balk else law


def _named(willing: quantities.PatienceLaw) -> patience.Patience:
    mean, numbers = willing.mean, willing.numbers
    match willing.name:
        case "deterministic":
            return patience.Deterministic(mean)
        case "lognormal":
            return patience.Lognormal(mean, *numbers)
        case "weibull":
            return patience.Weibull(mean, *numbers)
        case "gamma":
            return patience.Gamma(mean, *numbers)
        case "uniform":
            return patience.Uniform(*numbers)
        case "empirical":
            return patience.observed(numbers)
    return patience.Exponential(mean)


class Answers:
    """The fewest agents by each way of reckoning; None where a formula has no answer."""

    def __init__(self, question: Question) -> None:
        rate, aht, goal = question.calls.rate, question.aht, question.target
        self.endless = agents_needed(rate, aht, goal.share, goal.within)
        self.root = agents_for_target(question.load, aht, goal.share, goal.within)
        self.real: int | None = None
        self.real_root: int | None = None
        if question.exponential and question.mean_patience is not None:
            self.real_root = agents_for_target(question.load, aht, goal.share, goal.within, question.mean_patience)
        if question.plain:
            return
        try:
            self.real = fewest_agents(question.sure, goal.share, goal.within, question.least, question.limit)
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
    count = f"{quantities.count(calls.count)} calls in {quantities.time(calls.seconds)}"
    yield f"{count}, {quantities.time(question.aht)} each: {quantities.count(question.load)} erlangs."
    if question.patience is not None:
        law = "" if question.exponential else f": {question.patience}"
        yield f"Callers give up after {quantities.time(question.patience.mean)} on average{law}."
    if question.balk:
        yield f"{quantities.percent(question.balk)} of them hang up as soon as there is any wait."
    if question.limit is not None:
        yield f"At most {question.limit} calls at once; the next caller hears the engaged tone."
    yield ""
    yield from _table(question, answers)
    yield ""
    yield f"Fewest agents to answer {100 * goal.share:g} % of all calls within {quantities.time(goal.within)}:"
    yield f"  {answers.endless:>6}  Erlang C: callers wait for ever"
    if answers.real is not None:
        yield f"  {answers.real:>6}  {_name(question)}: {_meaning(question)}"
    yield f"  {answers.root:>6}  square-root rule, callers wait for ever"
    if answers.real_root is not None:
        yield f"  {answers.real_root:>6}  square-root rule, callers give up"
    if question.plain:
        yield "Callers do give up: with --patience 3min you would see how many, and may need fewer agents."


def _name(question: Question) -> str:
    if not question.exponential:
        return "M/M/c+GI"
    if question.patience is None:
        return f"M/M/c/{question.limit}"
    return "Erlang A" if question.limit is None else f"Erlang A with {question.limit} lines"


def _meaning(question: Question) -> str:
    gives_up = [] if question.patience is None and not question.balk else ["callers give up"]
    return " and ".join([*gives_up, *([] if question.limit is None else ["some are refused"])])


def _table(question: Question, answers: Answers) -> Iterator[str]:
    goal = f"in {question.target.within:g} s"
    endless, real = ["wait", goal, "ASA", "busy"], ["wait", goal, "ASA", "give up", "busy"]
    if question.patience is None and not question.balk:
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
        return ["inf" if column == "ASA" else "-" for column in columns]
    shown = {
        "wait": quantities.percent(queue.wait_probability),
        f"in {within:g} s": quantities.percent(queue.service_level(within)),
        "ASA": quantities.time(queue.asa),
        "give up": quantities.percent(queue.abandoned),
        "refused": quantities.percent(queue.blocked),
        "busy": quantities.percent(queue.occupancy),
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
        "patience": question.mean_patience,
        "patience_law": None if question.patience is None else str(question.patience),
        "balk": question.balk,
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
        "wait_p50": queue.wait_percentile(0.5),
        "wait_p90": queue.wait_percentile(0.9),
        "wait_p95": queue.wait_percentile(0.95),
        "answer_p50": queue.answer_percentile(0.5),
        "answer_p90": queue.answer_percentile(0.9),
        "answer_p95": queue.answer_percentile(0.95),
        "abandoned": queue.abandoned,
        "blocked": queue.blocked,
        "occupancy": queue.occupancy,
        "mean_queue": queue.mean_queue,
    }
