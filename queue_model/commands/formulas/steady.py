"""`queue-model erlang`: how many agents for one constant stream of calls: Erlang C, Erlang A, square-root rule."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

from common.command_line import Refusal
from queue_model.commands import quantities
from queue_model.commands.formulas.table import aligned, around, indented, load_sentence, one_number_of_agents
from queue_model.errors import ModelError, NoSteadyState
from queue_model.theory import patience
from queue_model.theory.abandonment import WithAbandonment, erlang_a, general_patience
from queue_model.theory.erlang import agents_needed, erlang_c
from queue_model.theory.square_root import agents_for_target
from queue_model.theory.steady import Steady, fewest_agents


def run(options: argparse.Namespace) -> int:
    question = Question(
        options.calls,
        options.aht,
        options.patience,
        options.limit,
        options.target,
        chosen=one_number_of_agents(options),
        balk=options.balk or 0.0,
    )
    if question.chosen is not None:
        question.realistic_queue(question.chosen)  # refuses agents with which there is no steady state
    answers = Answers(question)
    if options.json:
        print(json.dumps(_document(question, answers), indent=1))
    else:
        print("\n".join(_page(question, answers)))
    return 0


@dataclass(frozen=True)
class Question:
    """What was asked: with Erlang C beside the realistic model (callers give up, balk or are refused)."""

    calls: quantities.Calls
    aht: float
    patience: quantities.PatienceLaw | None
    limit: int | None
    target: quantities.Target
    chosen: int | None
    balk: float = 0.0  # share of callers who hang up at any wait

    def __post_init__(self) -> None:
        if not self.exponential and self.limit is not None:
            raise Refusal("--limit needs exponential patience or none; leave out --balk and the other law")
        _law(self.patience, self.balk)  # refuses bad numbers before the search for agents

    @property
    def exponential(self) -> bool:
        """Patience is exponential or endless, for all callers."""
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
        """Nobody gives up and nobody is refused: Erlang C is the realistic model."""
        return self.patience is None and self.limit is None and not self.balk

    def erlang_c_queue(self, agents: int) -> Steady | None:
        """Erlang C; None without a steady state."""
        try:
            return erlang_c(self.calls.rate, self.aht, agents)
        except NoSteadyState:
            return None

    @property
    def least(self) -> int:
        """The fewest agents with which `realistic_queue` has a steady state."""
        if self.patience is not None or self.limit is not None:
            return 1
        return math.floor((1 - self.balk) * self.load) + 1

    def realistic_queue(self, agents: int) -> Steady:
        """Erlang A, with a limit if there is one, or M/M/c+GI. Raises Refusal."""
        if self.limit is not None and agents > self.limit:
            raise Refusal(f"--agents {agents}: more than --limit {self.limit} calls; there are not enough lines")
        try:
            if self.exponential:
                return erlang_a(self.calls.rate, self.aht, agents, self.mean_patience, self.limit)
            return general_patience(self.calls.rate, self.aht, agents, _law(self.patience, self.balk))
        except NoSteadyState as problem:
            raise Refusal(f"{problem}, or give the time after which callers give up with --patience") from None

    def realistic_queue_or_none(self, agents: int) -> Steady | None:
        """The same; None without a steady state."""
        return self.realistic_queue(agents) if agents >= self.least else None


def _law(written: quantities.PatienceLaw | None, balk: float) -> patience.Patience:
    """The law of patience. Raises ModelError."""
    law = patience.Forever() if written is None else _without_balking(written)
    return patience.Balking(balk, law) if balk else law


def _without_balking(law: quantities.PatienceLaw) -> patience.Patience:
    mean, numbers = law.mean, law.numbers
    match law.name:
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
    """The fewest agents by each formula; None where a formula has no answer."""

    def __init__(self, question: Question) -> None:
        rate, aht, goal = question.calls.rate, question.aht, question.target
        self.erlang_c = agents_needed(rate, aht, goal.share, goal.within)
        self.square_root = agents_for_target(question.load, aht, goal.share, goal.within)
        self.realistic: int | None = None
        self.square_root_patience: int | None = None
        if question.exponential and question.mean_patience is not None:
            self.square_root_patience = agents_for_target(
                question.load, aht, goal.share, goal.within, question.mean_patience
            )
        if question.plain:
            return
        try:
            self.realistic = fewest_agents(
                question.realistic_queue, goal.share, goal.within, question.least, question.limit
            )
        except ModelError as problem:
            if question.chosen is None:
                raise Refusal(f"{problem}; lower --target, or raise --limit") from None

    def agents_in_table(self, question: Question) -> list[int]:
        """The numbers of agents for the table: those around the answers."""
        centres = [question.chosen] if question.chosen else [self.erlang_c, self.realistic]
        agents = {n for centre in centres if centre for n in around(centre)}
        return sorted(n for n in agents if n <= (question.limit or n))


# --- for people -------------------------------------------------------------------------------------------------------


def _page(question: Question, answers: Answers) -> Iterator[str]:
    goal = question.target
    yield load_sentence(question.calls, question.aht)
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
    fewest = [
        (answers.erlang_c, "Erlang C: callers never give up"),
        (answers.realistic, f"{_name(question)}: {_meaning(question)}"),
        (answers.square_root, "square-root rule, callers never give up"),
        (answers.square_root_patience, "square-root rule, callers give up"),
    ]
    yield from indented([(agents, meaning) for agents, meaning in fewest if agents is not None])
    if question.plain:
        yield "Callers do give up: --patience 3min shows how many, and may need fewer agents."


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
    erlang_c, realistic = ["wait", goal, "ASA", "busy"], ["wait", goal, "ASA", "give up", "busy"]
    if question.patience is None and not question.balk:
        realistic.remove("give up")
    if question.limit is not None:
        realistic.insert(-1, "refused")
    rows: list[list[str]] = [["agents", *erlang_c, *([] if question.plain else ["|", *realistic])]]
    for agents in answers.agents_in_table(question):
        cells = _cells(question.erlang_c_queue(agents), erlang_c, question.target.within)
        if not question.plain:
            cells += ["|", *_cells(question.realistic_queue_or_none(agents), realistic, question.target.within)]
        rows.append([f"{agents}{_mark(question, answers, agents)}", *cells])
    lines = aligned(rows)
    if not question.plain:
        left = lines[0].index("|")
        yield f"{'Erlang C':>{left - 2}}  |  {_name(question)}"
    previous = 0
    for agents, line in zip([0, *answers.agents_in_table(question)], lines, strict=True):
        if previous and agents > previous + 1:
            yield "   ..."
        yield line
        previous = agents
    yield "* as in --agents" if question.chosen else "* the fewest that reach the target"
    yield "wait: share of callers who do not find a free agent; ASA: mean wait of those answered; busy: share of"
    yield "the agents' time spent on calls. Shares are of all calls offered. inf: the queue grows without end."


def _mark(question: Question, answers: Answers, agents: int) -> str:
    marked = question.chosen or (answers.erlang_c if question.plain else answers.realistic)
    return "*" if agents == marked else " "


def _cells(queue: Steady | None, columns: list[str], within: float) -> list[str]:
    if queue is None:
        return ["inf" if column == "ASA" else "-" for column in columns]
    cells = {
        "wait": quantities.percent(queue.wait_probability),
        f"in {within:g} s": quantities.percent(queue.service_level(within)),
        "ASA": quantities.time(queue.asa),
        "give up": quantities.percent(queue.abandoned),
        "refused": quantities.percent(queue.blocked),
        "busy": quantities.percent(queue.occupancy),
    }
    return [cells[column] for column in columns]


# --- for programs -----------------------------------------------------------------------------------------------------


def _document(question: Question, answers: Answers) -> dict[str, object]:
    goal = question.target
    rows = []
    for agents in answers.agents_in_table(question):
        row: dict[str, object] = {"agents": agents, "erlang_c": _measures(question.erlang_c_queue(agents), goal.within)}
        if not question.plain:
            row["erlang_a"] = _measures(question.realistic_queue_or_none(agents), goal.within)
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
            "erlang_c": answers.erlang_c,
            "erlang_a": answers.realistic,
            "square_root": answers.square_root,
            "square_root_patience": answers.square_root_patience,
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
        **({"mean_offered_wait": queue.mean_offered_wait} if isinstance(queue, WithAbandonment) else {}),
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
