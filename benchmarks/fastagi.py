"""FastAGI servers side by side: the same twelve commands, and a C client in place of Asterisk (`fastagi_client.c`).

Closed loop: the client answers every command at once, so the server always has work. This measures the highest rate
and the cost of a session. Realistic load: the client answers each command after half a second, as callers listen and
think. This measures the time to the next command and the share of a core.

The client has one core, the server under test another. In each round every server has a turn at every level, so
disturbances affect all of them. Ratios are calculated within a round; the figures are medians over the rounds.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import machine, report, servers
from benchmarks.report import Goal, Section
from benchmarks.servers import BARE_UVLOOP, OURS_MENU, OURS_TWELVE, PANORAMISK, Failure, Kind, Server
from common.places import Places

CLOSED = (1, 50, 400, 2000)
OPEN = (400, 2000)
THINKING_MS = 500
EXTRA_SECONDS = 30.0  # that a trial may take beyond its warm-up and window
MOST_DISTURBED = 0.25  # share of a core; a trial is repeated if other processes use more


class Effort(NamedTuple):
    """How long to measure: rounds and milliseconds."""

    closed_rounds: int
    warm_up: int
    window: int
    open_rounds: int
    open_warm_up: int
    open_window: int
    retries: int  # of disturbed trials, in total


FULL = Effort(5, 250, 600, 3, 2000, 1500, retries=20)
QUICK = Effort(1, 150, 200, 1, 1200, 1000, retries=0)
MORE_MS = 0.5  # added to warm-up and window for each simultaneous call, so that all calls begin and end in it


class Trial(NamedTuple):
    """One server at one level, once."""

    seconds: float
    sessions: int
    commands: int
    p50_ms: float
    p99_ms: float
    slowest_ms: float
    server_cpu: float  # seconds, in the window
    client_cpu: float
    others_cpu: float
    rss_mb: float
    begun: int
    done: int
    dropped: int
    wrong: int
    stuck: int
    odd: str  # the first unexpected event
    turns: int = 12  # commands of a session

    @property
    def rate(self) -> float:
        """Sessions per second, calculated from commands: sessions that begin together also end together, so a short
        window may contain none or all of their ends."""
        return self.command_rate / self.turns

    @property
    def command_rate(self) -> float:
        return self.commands / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU time of the server for one session."""
        return 1000 * self.server_cpu / max(1.0, self.commands / self.turns)

    @property
    def load(self) -> float:
        """Share of a core that the server uses."""
        return self.server_cpu / self.seconds

    @property
    def lost(self) -> int:
        return self.dropped + self.wrong + self.stuck


class Results:
    """All trials by server and level, in the order of the rounds, and the servers that failed."""

    def __init__(self) -> None:
        self.trials: dict[tuple[str, int], list[Trial]] = defaultdict(list)
        self.failed: dict[str, str] = {}
        self.facts_missing = 0  # facts of our servers that are not in the spool
        self.facts = 0

    def median(self, name: str, level: int, figure: Callable[[Trial], float]) -> float:
        return statistics.median(figure(trial) for trial in self.trials[name, level])

    def ratio(self, name: str, to: str, level: int) -> float | None:
        """The ratio of sessions per second of two servers in the same round: the median over the rounds."""
        pairs = list(zip(self.trials[name, level], self.trials[to, level], strict=False))
        return statistics.median(a.rate / b.rate for a, b in pairs) if pairs and all(b.rate for _, b in pairs) else None

    def lost(self, name: str) -> int:
        return sum(trial.lost for trial in self._of(name))

    def losses(self, name: str) -> str:
        """The number of incomplete sessions, by kind."""
        kinds = ("dropped", "stuck", "wrong")
        counts = {kind: sum(getattr(trial, kind) for trial in self._of(name)) for kind in kinds}
        return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "0"

    def _of(self, name: str) -> list[Trial]:
        return [trial for (server, _), trials in self.trials.items() if server == name for trial in trials]

    def add_facts(self, server: Server, trials: Iterable[Trial]) -> None:
        """Count the facts in the spool and those missing; call it after the server has stopped."""
        if server.kind.ours:
            written, expected = server.facts(), server.kind.play.facts * sum(trial.done for trial in trials)
            self.facts += written
            self.facts_missing += max(0, expected - written)


def run(quick: bool, quiet: str) -> Section:
    """Measure all servers. It takes about eight minutes, about one if `quick`. `quiet` describes the machine's load."""
    effort = QUICK if quick else FULL
    base = Path(Places().var, "bench")
    base.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="fastagi-", dir=base))
    try:
        bench = Bench(work, effort)
        kinds = servers.kinds(work)
        closed = bench.closed_loop(kinds)
        opened = bench.realistic(kinds)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return section(kinds, closed, opened, effort, quiet)


class Bench:
    """The client, and the order of the servers' turns."""

    def __init__(self, work: Path, effort: Effort) -> None:
        self._work = work
        self._effort = effort
        self._client = machine.compiled(Path(__file__).parent / "fastagi_client.c", work)
        self._serial = 0
        self._retries = effort.retries

    def closed_loop(self, kinds: Sequence[Kind]) -> Results:
        results, effort = Results(), self._effort
        for number in range(effort.closed_rounds):
            began = time.monotonic()
            with self._started(kinds, results) as running:
                done: dict[Server, list[Trial]] = {server: [] for server in running}
                for calls in CLOSED:
                    for server in running:
                        more = round(MORE_MS * calls)
                        trial = self._trial(server, results, calls, effort.warm_up + more, effort.window + more, 0)
                        if trial is not None:
                            done[server].append(trial)
            for server, trials in done.items():
                results.add_facts(server, trials)
            print(f"   closed loop, round {number + 1}: {time.monotonic() - began:.0f} s", flush=True)
        return results

    def realistic(self, kinds: Sequence[Kind]) -> Results:
        results, effort = Results(), self._effort
        for number in range(effort.open_rounds):
            began = time.monotonic()
            for calls in OPEN:
                for kind in kinds:
                    with self._started([kind], results) as running:
                        trials = [
                            self._trial(server, results, calls, effort.open_warm_up, effort.open_window, THINKING_MS)
                            for server in running
                        ]
                    for server, trial in zip(running, trials, strict=True):
                        results.add_facts(server, [trial] if trial else [])
            print(f"   realistic load, round {number + 1}: {time.monotonic() - began:.0f} s", flush=True)
        return results

    @contextmanager
    def _started(self, kinds: Sequence[Kind], results: Results) -> Iterator[list[Server]]:
        """Start the servers and stop them at the end. A server that fails to start is not started again."""
        running: list[Server] = []
        try:
            for kind in kinds:
                if kind.name in results.failed:
                    continue
                self._serial += 1
                try:
                    running.append(Server(kind, self._work / f"server-{self._serial}"))
                except (Failure, OSError) as problem:
                    results.failed[kind.name] = str(problem)
                    print(f"   {kind.name}: {problem}", flush=True)
            yield running
        finally:
            for server in running:
                server.stop()

    def _trial(
        self, server: Server, results: Results, calls: int, warm_up: int, window: int, delay: int
    ) -> Trial | None:
        """Measure once, or twice if other processes disturb it, and keep the result. None if the server fails."""
        trials: list[Trial] = []
        for _ in range(2):
            try:
                trials.append(self._play(server, calls, warm_up, window, delay))
            except Failure as problem:
                results.failed[server.kind.name] = f"at {calls} calls: {problem}"
                print(f"   {server.kind.name}, {results.failed[server.kind.name]}", flush=True)
                return None
            if trials[-1].others_cpu / trials[-1].seconds < MOST_DISTURBED or not self._retries:
                break
            self._retries -= 1
        kept = min(trials, key=lambda trial: trial.others_cpu)
        results.trials[server.kind.name, calls].append(kept)
        return kept._replace(done=sum(trial.done for trial in trials))

    def _play(self, server: Server, calls: int, warm_up: int, window: int, delay: int) -> Trial:
        play = self._work / f"{server.kind.play.script}.play"
        server.kind.play.write(play)
        figures = [str(figure) for figure in (calls, warm_up, window, delay, server.pid)]
        command = [*machine.on_core(0), str(self._client), str(server.port), str(play), *figures]
        try:
            outcome = subprocess.run(
                command,
                capture_output=True, text=True, check=False, timeout=EXTRA_SECONDS + (warm_up + window) / 1000,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Failure("the client did not end in time") from None
        if outcome.returncode:
            raise Failure(f"the client failed: {outcome.stderr.strip()[:200]}")
        measured: dict[str, Any] = json.loads(outcome.stdout)
        return Trial(**measured, turns=len(server.kind.play.turns))


# --- the page --------------------------------------------------------------------------------------------------------


def section(kinds: Sequence[Kind], closed: Results, opened: Results, effort: Effort, quiet: str) -> Section:
    disturbed = [trial.others_cpu / trial.seconds for results in (closed, opened) for trials in results.trials.values()
                 for trial in trials]  # fmt: skip
    busy = f"other processes used {statistics.median(disturbed):.0%} of a core (median), at most {max(disturbed):.0%}"
    where = f"{machine.description()}; {machine.versions()}; commit {machine.revision()}; {quiet}; {busy}."
    cores = "client on one core, server on the other" if machine.PINNED else "cores not pinned (no taskset)"
    return Section(
        "fastagi",
        "FastAGI servers",
        list(goals(closed, opened)),
        "\n\n".join([
            where,
            f"Closed loop: {effort.closed_rounds} interleaved rounds of {effort.window / 1000:g} s after "
            f"{effort.warm_up / 1000:g} s of warm-up (both {MORE_MS:g} ms longer for each call), {cores}, medians. "
            "p50 and p99 are the time from the reply (or the environment) to the next command. Only our servers write "
            "facts: four a session in the 12-command flow, five in the real menu (11 commands). They are sealed, and "
            "counted afterwards.",
            closed_table(kinds, closed),
            "Ratios of sessions/s to the bare uvloop Protocol and to panoramisk, within each round:",
            ratio_table(kinds, closed),
            f"Realistic load: open calls, each command answered after {THINKING_MS} ms; "
            f"{effort.open_rounds} round(s) of {effort.open_window / 1000:g} s, medians.",
            open_table(kinds, opened),
        ]),
    )  # fmt: skip


def goals(closed: Results, opened: Results) -> Iterator[Goal]:
    for name in (OURS_TWELVE, OURS_MENU):
        yield _ratio_goal(closed, name, PANORAMISK, 3.0)
        yield _ratio_goal(closed, name, BARE_UVLOOP, 0.8)
    for name in (OURS_TWELVE, OURS_MENU):
        costs = {calls: closed.median(name, calls, lambda trial: trial.cpu_ms) for calls in CLOSED}
        worst = max(costs.values())
        yield Goal(
            f"{name}: at most 0.25 ms of CPU a session, facts included",
            ", ".join(f"{cost:.3f} at {calls}" for calls, cost in costs.items()),
            worst <= 0.25,
            f"{worst - 0.25:.3f} ms too much",
        )
    for name in (OURS_TWELVE, OURS_MENU):
        p99, load = (opened.median(name, 2000, figure) for figure in (lambda trial: trial.p99_ms, lambda t: t.load))
        yield Goal(
            f"{name}: 2000 open calls, p99 under 10 ms for less than a fifth of a core",
            f"p99 {p99:.1f} ms, {load:.1%} of a core",
            p99 < 10 and load < 0.2,
            f"{max(0, p99 - 10):.1f} ms and {max(0, load - 0.2):.1%} too much",
        )
    lost = sum(results.lost(name) for results in (closed, opened) for name in (OURS_TWELVE, OURS_MENU))
    missing, facts = closed.facts_missing + opened.facts_missing, closed.facts + opened.facts
    yield Goal(
        "none of our sessions stuck or dropped, no fact lost",
        f"{lost} sessions, {missing} of {facts} facts",
        lost == missing == 0,
        "see the tables",
    )


def _ratio_goal(results: Results, name: str, to: str, wanted: float) -> Goal:
    ratios = {calls: results.ratio(name, to, calls) for calls in CLOSED}
    known = [ratio for ratio in ratios.values() if ratio is not None]
    return Goal(
        f"{name}: at least {wanted:g} x {to}, at every level",
        ", ".join(f"{ratio:.2f} at {calls}" if ratio else f"– at {calls}" for calls, ratio in ratios.items()),
        len(known) == len(CLOSED) and min(known) >= wanted,
        f"by {1 - min(known) / wanted:.0%} at worst" if len(known) == len(CLOSED) else "not every level was measured",
    )


def closed_table(kinds: Sequence[Kind], results: Results) -> str:
    head = ["sessions/s · p50 / p99 ms", *(f"{calls} at once" for calls in CLOSED)]
    head += ["CPU ms a session (50)", "MB (2000)", "lost"]

    def row(name: str) -> list[str]:
        cells = []
        for calls in CLOSED:
            rate, p50, p99 = (
                results.median(name, calls, figure)
                for figure in (lambda t: t.rate, lambda t: t.p50_ms, lambda t: t.p99_ms)
            )
            cells.append(f"{rate:.0f} · {p50:.2f} / {p99:.1f}")
        cost, memory = results.median(name, 50, lambda t: t.cpu_ms), results.median(name, 2000, lambda t: t.rss_mb)
        return [*cells, f"{cost:.3f}", f"{memory:.0f}", results.losses(name)]

    return _rows(kinds, results, head, CLOSED, row)


def ratio_table(kinds: Sequence[Kind], results: Results) -> str:
    head = ["of bare uvloop · of panoramisk", *(f"{calls} at once" for calls in CLOSED)]

    def row(name: str) -> list[str]:
        return [
            " · ".join(f"{ratio:.2f}" if (ratio := results.ratio(name, to, calls)) is not None else "–"
                       for to in (BARE_UVLOOP, PANORAMISK))
            for calls in CLOSED
        ]  # fmt: skip

    return _rows(kinds, results, head, CLOSED, row)


def open_table(kinds: Sequence[Kind], results: Results) -> str:
    head = ["commands/s · p50 / p99 ms · core · MB", *(f"{calls} open" for calls in OPEN), "lost"]

    def row(name: str) -> list[str]:
        cells = []
        for calls in OPEN:
            rate, p50, p99, load, memory = (
                results.median(name, calls, figure)
                for figure in (
                    lambda t: t.command_rate, lambda t: t.p50_ms, lambda t: t.p99_ms, lambda t: t.load,
                    lambda t: t.rss_mb,
                )
            )  # fmt: skip
            cells.append(f"{rate:.0f} · {p50:.2f} / {p99:.1f} · {load:.0%} · {memory:.0f}")
        return [*cells, results.losses(name)]

    return _rows(kinds, results, head, OPEN, row)


def _rows(
    kinds: Sequence[Kind], results: Results, head: Sequence[str], levels: Sequence[int],
    row: Callable[[str], list[str]],
) -> str:  # fmt: skip
    """A row for each server; for a server that failed, the reason."""
    rows = []
    for kind in kinds:
        name = kind.name
        complete = all(results.trials[name, level] for level in levels)
        cells = row(name) if complete else ["–"] * (len(head) - 1)
        if name in results.failed:
            cells[-1] = f"FAILED: {results.failed[name]}"
        rows.append([name, *cells])
    odd = {trial.odd for trials in results.trials.values() for trial in trials if trial.odd}
    notes = "".join(f"\n\nSeen: {note}" for note in sorted(odd))
    return report.table(head, rows) + notes
