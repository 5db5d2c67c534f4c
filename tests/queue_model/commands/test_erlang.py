from __future__ import annotations

import json
import subprocess
import sys

import pytest

from queue_model.cli import main
from queue_model.theory.abandonment import erlang_a
from queue_model.theory.erlang import agents_needed, erlang_c
from tests.queue_model.example_scenarios import W1
from tests.queue_model.theory.test_ground_truth import ROWS, agrees

BASE = ["erlang", "--calls", "32/30min", "--aht", "360"]


def page(capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert main([*BASE, *more]) == 0
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, object]:
    found = json.loads(page(capsys, *more, "--json"))
    assert isinstance(found, dict)
    return found


def test_the_page_for_a_supervisor(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        page(capsys, "--patience", "3min")
        == """\
32 calls in 30 min, 6 min each: 6.4 erlangs.
Callers give up after 3 min on average.

                                   Erlang C  |  Erlang A
agents    wait  in 20 s         ASA    busy  |    wait  in 20 s    ASA  give up    busy
    7   75.7 %   26.8 %  7 min 34 s  91.4 %  |  39.7 %   66.1 %   20 s   13.9 %  78.7 %
    8   45.8 %   58.1 %  1 min 43 s  80.0 %  |  27.4 %   77.5 %   12 s    8.5 %  73.2 %
    9*  26.2 %   77.3 %        36 s  71.1 %  |  17.4 %   86.3 %  6.8 s    4.8 %  67.7 %
   10   14.2 %   88.4 %        14 s  64.0 %  |  10.3 %   92.2 %  3.6 s    2.6 %  62.4 %
   11    7.3 %   94.4 %       5.7 s  58.2 %  |   5.6 %   96.0 %  1.8 s    1.3 %  57.4 %
   12    3.5 %   97.4 %       2.2 s  53.3 %  |   2.8 %   98.0 %  0.9 s    0.6 %  53.0 %
* the fewest that reach the target
wait: share of callers who do not find a free agent; ASA: mean wait of those answered; busy: share of
the agents' time spent on calls. Shares are of all calls offered. inf: the queue grows without end.

Fewest agents to answer 80 % of all calls within 20 s:
      10  Erlang C: callers never give up
       9  Erlang A: callers give up
       9  square-root rule, callers never give up
       8  square-root rule, callers give up
"""
    )


def test_full_digits_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "--patience", "180", "--agents", "7")
    rows = {row["agents"]: row for row in found["rows"]}  # type: ignore[attr-defined]
    rate = 32 / 1800
    assert sorted(rows) == [5, 6, 7, 8, 9] and rows[6]["erlang_c"] is None
    assert rows[7]["erlang_c"]["service_level"] == erlang_c(rate, 360.0, 7).service_level(20)
    assert rows[7]["erlang_a"]["asa"] == erlang_a(rate, 360.0, 7, 180.0).asa
    assert found["fewest"] == {"erlang_c": 10, "erlang_a": 9, "square_root": 9, "square_root_patience": 8}
    assert found["target"] == {"share": 0.8, "within": 20.0} and found["agents"] == 7


def test_without_patience_only_erlang_c(capsys: pytest.CaptureFixture[str]) -> None:
    shown = page(capsys)
    assert "Erlang A" not in shown and "--patience 3min" in shown and "10*" in shown
    assert document(capsys)["fewest"] == {
        "erlang_c": 10, "erlang_a": None, "square_root": 9, "square_root_patience": None,
    }  # fmt: skip


def test_with_lines(capsys: pytest.CaptureFixture[str]) -> None:
    shown = page(capsys, "--patience", "180", "--limit", "10", "--target", "85/30")
    assert "At most 10 calls at once" in shown and "refused" in shown and "in 30 s" in shown
    assert "Erlang A with 10 lines: callers give up and some are refused" in shown
    assert "M/M/c/12" in page(capsys, "--limit", "12")
    found = document(capsys, "--limit", "12")
    assert all(row["agents"] <= 12 for row in found["rows"])  # type: ignore[attr-defined]


def test_a_number_of_agents_and_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "--patience", "180", "--agents", "7", "--target", "90/45")
    row = next(row for row in found["rows"] if row["agents"] == 7)["erlang_a"]  # type: ignore[attr-defined]
    queue = erlang_a(32 / 1800, 360.0, 7, 180.0)
    assert row["service_level"] == queue.service_level(45)
    assert row["wait_p95"] == queue.wait_percentile(0.95) and row["answer_p50"] == queue.answer_percentile(0.5)


def looked_at(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, float]:
    """Twelve erlangs, twelve agents."""
    assert main(["erlang", "--calls", "12/6min", "--aht", "6min", "--agents", "12", "--json", *more]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    found: dict[str, float] = next(row for row in rows if row["agents"] == 12)["erlang_a"]
    return found


@pytest.mark.parametrize(
    ("law", "row"),
    [
        (["deterministic:180"], "O-GI-det"),
        (["empirical:180,180"], "O-GI-det"),
        (["lognormal:3min,1"], "O-GI-lognormal"),
        (["200", "--balk", "10"], "O-GI-balk+exp"),
        (["weibull:3min,1"], "O-GI-exp"),
        (["gamma:3min,1"], "O-GI-exp"),
    ],
)
def test_patience_of_any_law(capsys: pytest.CaptureFixture[str], law: list[str], row: str) -> None:
    found = looked_at(capsys, "--patience", *law)
    printed = ROWS[row]["your_exact_value"].split("; ")
    for name, text in zip(("wait_probability", "abandoned", "mean_wait"), printed, strict=False):
        assert agrees(found[name], text), (name, found[name], text)


def test_the_page_of_another_law(capsys: pytest.CaptureFixture[str]) -> None:
    shown = page(capsys, "--patience", "uniform:0,6min", "--balk", "5")
    assert "Callers give up after 3 min on average: uniform:0,360." in shown and "5.0 % of them hang up" in shown
    assert "M/M/c+GI: callers give up" in shown and "square-root rule, callers give up" not in shown
    shown = page(capsys, "--balk", "10", "--agents", "6")  # 4 and 5 have no steady state, 6 has one
    assert "6*       -        -         inf       -  |  91.2 %" in shown


DAY = ["erlang", "--calls", ",".join(map(str, W1)) + "/30min", "--aht", "6min", "--patience", "3min"]


@pytest.mark.parametrize(
    ("more", "row"),
    [
        (["--agents", "5"], "O-DAY-c5-pat180"),
        (["--agents", "12x18"], "O-DAY-c12-pat180"),
        (["--agents", "6", "--busyness", "25"], "O-DAY-busy"),
    ],
)
def test_a_whole_day(capsys: pytest.CaptureFixture[str], more: list[str], row: str) -> None:
    assert main([*DAY, *more, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    printed = ROWS[row]["your_exact_value"].split("; ")
    for name, text in zip(("mean_wait", "abandoned", "service_level"), printed, strict=False):
        assert agrees(found["day"][name], text), (name, found["day"][name], text)
    assert len(found["slots"]) == 18 and found["slots"][3]["calls"] == 32


def test_the_page_of_a_day(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["erlang", "--calls", "14,0,32/30min", "--aht", "6min", "--patience", "180", "--agents", "5,4x2"]) == 0
    shown = capsys.readouterr().out
    assert "46 calls in 3 slots of 30 min, 6 min each." in shown and "Callers give up after 3 min" in shown
    rows = [line.split() for line in shown.splitlines() if line.lstrip().startswith(("0:30", "1:00", "day"))]
    assert rows[0] == ["0:30", "0", "4", "-", "-", "-", "-"] and rows[1][:3] == ["1:00", "32", "4"]
    assert rows[2][:2] == ["day", "46"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([], "--agents: give the agents on duty, one number or one for each of the 18 slots: 8x6,7x6; or ask"),
        (["--agents", "8x2"], "--agents: 2 numbers for 18 slots"),
        (["--agents", "8", "--limit", "12"], "--limit is not for a day; leave it out"),
        (["--agents", "8", "--patience", "weibull:3min,2"], "needs the exponential law"),
        (["--agents", "8", "--target", "80/45min"], "longer than a slot of 1800 s"),
        (["--agents", "400"], "400 are too many for a day by formula"),
        (["--blocking", "1"], "--blocking is not for a day; give one number of calls"),
        (["--handling", "deterministic"], "--handling is not for a day; give one number of calls"),
        (["--retrials", "60"], "--retrials is not for a day; give one number of calls"),
        (["--delay", "20"], "--patience does not go with --delay; leave one of them out"),
        (["--blocks", "9,8"], "--blocks: 17 slots in all, but --calls has 18; give the slots of each block"),
        (["--blocks", "18,0"], "give the slots of each block, 1 or more, with the same sum"),
        (["--blocks", "1x18"], "too many combinations (100,000 at most); give fewer blocks, or fewer agents"),
        (["--blocks", "9,9", "--agents", "8,7"], "--agents: with --blocks give one number, the most agents of a block"),
        (["--blocks", "9,9", "--agents", "2"], "not even"),
    ],
)
def test_a_day_refused(capsys: pytest.CaptureFixture[str], more: list[str], told: str) -> None:
    assert main([*DAY, *more]) == 1
    assert told in capsys.readouterr().err


def test_a_day_that_would_never_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["erlang", "--calls", "3,4/h", "--aht", "360", "--agents", "3,0"]) == 1
    assert "callers in the last slot would wait for ever" in capsys.readouterr().err


def test_a_large_service(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["erlang", "--calls", "50000/30min", "--aht", "6min", "--patience", "3min"]) == 0
    shown = capsys.readouterr().out
    assert (
        "   ...\n" in shown
        and "10,000 erlangs" in shown
        and f" {agents_needed(50_000 / 1800, 360, 0.8, 20)}  Erlang C" in shown
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--agents", "5"], "use 7 agents or more, or give the time after which callers give up with --patience"),
        (["--limit", "6"], "cannot be reached: with 6 agents it is 0.7076"),
        (["--agents", "8", "--limit", "6"], "--agents 8: more than --limit 6 calls"),
        (["--balk", "10", "--agents", "5"], "5.76 erlangs are too much for 5 agents"),
        (["--balk", "10", "--limit", "12"], "--limit needs exponential patience or none"),
        (["--patience", "gamma:3min,2", "--limit", "12"], "--limit needs exponential patience or none"),
        (["--patience", "empirical:0,0"], "a limit of as many lines as agents\n"),
        (["--patience", "gamma:3min,0"], "shape: 0.0 is not above 0\n"),
        (["--agents", "8x2"], "--agents: give one number, 1 or more"),
        (["--agents", "0"], "--agents: give one number, 1 or more"),
        (["--aht", "6min,3min"], "--aht: one time is needed here; one for each class goes with --priorities"),
        (["--blocks", "9,9"], "--blocks is for a day: give the calls of each slot"),
        (["--blocking", "1", "--patience", "60"], "--patience does not go with --blocking; leave one of them out"),
        (["--delay", "20", "--patience", "gamma:60,2"], "--patience: this formula needs the exponential law"),
        (["--delay", "20", "--blocking", "1"], "--delay does not go with --blocking"),
        (["--handling", "deterministic", "--agents", "6"], "6.4 erlangs are too much for 6 agents"),
        (["--handling", "deterministic", "--target", "80/20"], "--target does not go with --handling"),
        (["--retrials", "2min"], "6.4 erlangs are too much for 1 agent, and nobody gives up"),
        (["--retrials", "2min", "--agents", "2"], "--agents does not go with --retrials"),
        (["--priorities", "--agents", "8"], "--priorities: give the calls of each class with --calls"),
        (["--busyness", "25"], "--busyness is for a day: give the calls of each slot"),
    ],
)
def test_refusals(capsys: pytest.CaptureFixture[str], more: list[str], told: str) -> None:
    assert main([*BASE, *more]) == 1
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("queue-model erlang: ") and told in shown.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--calls", "32", "--aht", "360"], "argument --calls: '32': write how many calls in what time: 32/30min"),
        (["--calls", "-3/h", "--aht", "360"], "argument --calls"),
        (["--calls", "32/h", "--aht", "long"], "argument --aht: 'long' is not a length of time"),
        (["--calls", "32/h", "--aht", "360", "--patience", "erlang:3min"], "is not a law of patience"),
        (["--calls", "14,22/h/h", "--aht", "360"], "argument --calls"),
        (["--calls", "32/h"], "required: --aht"),
        (["--calls", "32/h", "--aht", "360", "--blocking", "0"], "'0' cannot be reached; write a per cent above 0"),
        (["--calls", "32/h", "--aht", "360", "--handling", "gamma:2"], "'gamma:2' is not a law of handling times"),
        (["--calls", "32/h", "--aht", "360", "--handling", "lognormal:6"], "with a number from 0 to 5"),
        (["--calls", "32/h", "--aht", "360", "--handling", "lognormal"], "is not a law of handling times"),
    ],
)
def test_misspelt(capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["erlang", *words])
    assert ended.value.code == 2 and told in capsys.readouterr().err


def test_help_is_enough_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--help"], ["check", "--help"], ["erlang", "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "queue-model erlang --calls 32/30min --aht 360 --patience 180" in shown
    assert "By formula, without a scenario: how many agents" in shown  # names keep their capitals
    assert "Check whether the promises of the Carta hold under a scenario.\n" in shown


def test_no_heavy_import() -> None:
    """A formula is answered at once: neither NumPy nor SciPy is loaded for it."""
    program = (
        "import sys; from queue_model.cli import main; "
        f"main({[*BASE, '--patience', '180']!r}); "
        "sys.exit(not {'numpy', 'scipy', 'pandas', 'msgspec', 'rich'}.isdisjoint(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
