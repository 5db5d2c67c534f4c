"""The calls per second of a real Asterisk with the engine, beside the same dialplan without AGI.

SIPp places calls of two seconds: the welcome plays, the caller presses a key in the middle of it and hangs up. With the
engine, a flow plays the welcome, reads the key and reports two facts; without it, Asterisk's own `Read` does both.
SIPp, Asterisk with the product's own modules and the engine share one machine.

A rate is clean if every call succeeds, SIPp repeats no message and Asterisk has recorded every key. The search for the
highest clean rate first increases the rate by half, then halves the interval; the two dialplans take turns. A rate that
is not clean gets a second chance, since a busy machine may cause one failure.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks import flows, machine, report
from benchmarks.report import Goal, Section
from common.places import ROOT, Places
from common.ports import HOST, free_ports
from lab.sipp.processes import Sipp
from lab.sipp.scenarios import HangUp, Key, Pause, Step, caller
from lab.stack import Stack
from lab.switch.installation import install

ENGINE, ALONE = "with the engine", "without AGI"
EXTENSIONS = {ENGINE: "900", ALONE: "901"}
KEY = "0"
FIRST_RATE, LAST_RATE = 120, 600  # calls a second
STEPS: list[Step] = [Pause(1.0), Key(KEY), Pause(1.0), HangUp()]
PATIENCE_SECONDS = 6.0  # after the last call began; a call that has not ended by then has failed
USER_FIELD = 17  # column of Master.csv

DIALPLAN = """[nul-incoming]
exten => 900,1,AGI(agi://{host}:{port}/short,${{EPOCH}},${{CHANNEL(linkedid)}})
 same => n,Goto(benchmark-end,s,1)
exten => 901,1,Answer()
 same => n,Read(DIGIT,nul/welcome,1,,1,5)
 same => n,Goto(benchmark-end,s,1)

[benchmark-end]
exten => s,1,Set(CDR(userfield)=${{DIGIT}})
 same => n,Wait(30)
"""


class Effort(NamedTuple):
    """How long calls are placed at one rate, how many chances a rate has, and how precise the result is."""

    seconds: float
    chances: int
    nearness: float  # share of the rate


FULL, QUICK = Effort(5.0, 2, 0.04), Effort(2.0, 1, 0.25)


class Run(NamedTuple):
    """The results at one rate."""

    rate: int
    calls: int
    succeeded: int
    keys: int
    repeated: int  # SIP messages that SIPp had to send again
    switch_cpu: float  # seconds
    engine_cpu: float

    @property
    def clean(self) -> bool:
        return self.succeeded == self.keys == self.calls and self.repeated == 0

    def describe(self) -> str:
        missing = f"{self.calls - self.succeeded} failed, {self.calls - self.keys} keys lost, {self.repeated} repeated"
        return f"{self.rate}/s: " + ("clean" if self.clean else missing)


class Search:
    """The search for the highest clean rate: increase by half while it is clean, then halve the interval."""

    def __init__(self, first: int, last: int, nearness: float) -> None:
        self._next, self._last, self._nearness = first, last, nearness
        self.low, self.high = 0, last + 1  # clean; not clean

    @property
    def over(self) -> bool:
        return self.low >= self._last or self.high - self.low <= max(2, self._nearness * self.high)

    @property
    def rate(self) -> int:
        """The rate to try next."""
        if self.low and self.high > self._last:
            return min(self._last, self.low * 3 // 2)
        return self._next if not self.low and self.high > self._last else (self.low + self.high) // 2

    def record(self, rate: int, clean: bool) -> None:
        if clean:
            self.low = rate
        else:
            self.high = rate


def run(quick: bool, quiet: str) -> Section:
    """Place the calls. It takes about three minutes."""
    effort = QUICK if quick else FULL
    runs: dict[str, list[Run]] = {ENGINE: [], ALONE: []}
    searches = {name: Search(FIRST_RATE, LAST_RATE, effort.nearness) for name in runs}
    with switch() as bench:
        for name in runs:
            bench.place(name, 20, 2.0)  # warm-up: sound files, threads, the engine's caches
        while not all(search.over for search in searches.values()):
            for name, search in searches.items():
                if search.over:
                    continue
                rate = search.rate
                for _ in range(effort.chances):
                    runs[name].append(bench.place(name, rate, effort.seconds))
                    print(f"   {name}, {runs[name][-1].describe()}", flush=True)
                    if runs[name][-1].clean:
                        break
                search.record(rate, runs[name][-1].clean)
        asterisk = bench.stack.switch.status().asterisk
    return section(runs, effort, quiet, asterisk or "?")


class Bench:
    """The telephone, and SIPp as its callers."""

    def __init__(self, stack: Stack, callers: Sipp, folder: Path) -> None:
        self.stack = stack
        self._callers = callers
        self._folder = folder
        self._serial = 0

    def place(self, name: str, rate: int, seconds: float) -> Run:
        """Place calls at that rate for these seconds, and wait for the last of them."""
        self._serial += 1
        calls = round(rate * seconds)
        figures = self._folder / f"figures-{self._serial}.csv"
        recorded, before = len(self._keys()), self._cpu()
        process = self._callers.run(
            f"callers-{self._serial}", caller("short calls", "0612345678", STEPS), f"{HOST}:{self.stack.sip_port}",
            "-s", EXTENSIONS[name], "-m", str(calls), "-r", str(rate), "-l", str(4 * rate), "-p", str(free_ports(1)[0]),
            "-mp", str(_media_port()), "-trace_stat", "-stf", str(figures), "-fd", "1",
        )  # fmt: skip
        try:
            process.wait(seconds + PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        self._wait_for_records(recorded + calls)
        after = self._cpu()
        totals, keys = _last_row(figures), self._keys()[recorded:]
        return Run(
            rate, calls, int(totals.get("SuccessfulCall(C)", 0)), sum(key == KEY for key in keys),
            int(totals.get("Retransmissions(C)", -1)), after[0] - before[0], after[1] - before[1],
        )  # fmt: skip

    def _wait_for_records(self, count: int) -> None:
        """Wait until Asterisk has recorded this many calls; after three seconds, hang up what is left."""
        end = time.monotonic() + 3
        while time.monotonic() < end:
            if len(self._keys()) >= count:
                return
            time.sleep(0.2)
        self.stack.switch.cli("channel request hangup all")
        time.sleep(1)

    def _keys(self) -> list[str]:
        """The key that Asterisk has recorded for each call that has ended."""
        path = Path(self.stack.switch.log, "cdr-csv", "Master.csv")
        if not path.exists():
            return []
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            return [row[USER_FIELD] for row in csv.reader(file) if len(row) > USER_FIELD]

    def _cpu(self) -> tuple[float, float]:
        return _cpu_seconds(self.stack.switch.pid), _cpu_seconds(self.stack.engine.pid)


@contextmanager
def switch() -> Iterator[Bench]:
    """Engine and switch in their own folders and on free ports, with both dialplans; removed at the end."""
    installation = install(Places(), report=lambda line: print(f"   {line}", flush=True))
    folder = Path(tempfile.mkdtemp(prefix="ivr-bench-"))
    folder.chmod(0o755)  # when root runs this, the switch runs as another user
    flows.install(folder / "flows")
    path_before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder / "flows"), ROOT])
    stack = Stack(Places(var=str(folder / "var")), installation, name="bench")
    callers = Sipp(installation, str(folder / "sipp"))
    try:
        etc = Path(stack.switch.etc)
        etc.mkdir(parents=True)
        (etc / "extensions_custom.conf").write_text(DIALPLAN.format(host=HOST, port=stack.engine.port))
        (etc / "cdr_custom.conf").write_text("[csv](+)\nloguserfield = yes\n")
        stack.start()
        yield Bench(stack, callers, folder)
    finally:
        callers.stop()
        stack.stop()
        if path_before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = path_before
        shutil.rmtree(folder, ignore_errors=True)


def section(runs: dict[str, list[Run]], effort: Effort, quiet: str, asterisk: str) -> Section:
    best = {name: max((run for run in tried if run.clean), key=lambda run: run.rate, default=None)
            for name, tried in runs.items()}  # fmt: skip
    ours, alone = (best[name].rate if best[name] else 0 for name in (ENGINE, ALONE))  # type: ignore[union-attr]
    share = ours / alone if alone else 0.0
    goal = Goal(
        f"calls/s {ENGINE}: 90 % of those {ALONE}",
        f"{ours}/s of {alone}/s: {share:.0%}",
        share >= 0.9,
        f"by {0.9 - share:.0%}" if alone else "no rate was clean",
    )
    rows = []
    for name, run in best.items():
        failed = [other for other in runs[name] if not other.clean and other.rate > (run.rate if run else 0)]
        limit = min((other.rate for other in failed), default=None)
        first = next((other.describe() for other in failed if other.rate == limit), "none tried")
        if run is None:
            rows.append([name, "none", "–", "–", "–", first])
            continue
        rows.append([
            name, f"{run.rate}", f"{run.calls}", f"{1000 * run.switch_cpu / run.calls:.1f}",
            f"{1000 * run.engine_cpu / run.calls:.2f}", first,
        ])  # fmt: skip
    head = ["", "highest clean calls/s", "calls in that run", "Asterisk CPU ms a call", "engine CPU ms a call",
            "the next rate up"]  # fmt: skip
    where = f"{machine.description()}; {machine.versions()}, Asterisk {asterisk}; commit {machine.revision()}; {quiet}."
    how = (
        f"SIPp, Asterisk and engine share the cores. Calls of 2 s with one prompt and one key, {effort.seconds:g} s at "
        f"each rate, {effort.chances} chance(s) a rate; rates that differ by less than {effort.nearness:.0%} count as "
        "equal. The engine's CPU includes its work between calls."
    )
    return Section("real_switch", "A real Asterisk", [goal], f"{where} {how}\n\n{report.table(head, rows)}")


def _last_row(path: Path) -> dict[str, str]:
    """The last row of SIPp's statistics; empty if there is none."""
    with suppress(FileNotFoundError), path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
        return {key: value for key, value in rows[-1].items() if key} if rows else {}
    return {}


def _cpu_seconds(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _media_port() -> int:
    """A port with room above it: SIPp uses the next ten thousand."""
    return next(port for port in free_ports(64) if port < 55000) & ~1
