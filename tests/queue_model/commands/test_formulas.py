"""The other questions of `queue-model erlang`: each answer is that of the theory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from queue_model.cli import main
from queue_model.planning.blocks import BlockProblem, cheapest_staffing
from queue_model.theory.abandonment import erlang_a
from queue_model.theory.deterministic import erlang_d
from queue_model.theory.erlang import erlang_b, erlang_c
from queue_model.theory.general import (
    approximate_wait_bjorklund_elldin,
    approximate_wait_kimura,
    approximate_wait_lee_longton,
    lognormal_scv,
    single_agent_wait,
)
from queue_model.theory.offered_load import delay_probability, offered_load
from queue_model.theory.priorities import several_agents, single_agent
from queue_model.theory.retrial import single_line

RATE, AHT = 32 / 1800, 360.0
LOAD = RATE * AHT
CALLS = ["--calls", "32/30min", "--aht", "6min"]
SLOTS = (14.0, 22.0, 28.0, 10.0)
DAY = ["--calls", "14,22,28,10/30min", "--aht", "6min"]


class Asked:
    """`queue-model erlang` with these options, as a page and as a document."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def page(self, *options: str) -> str:
        assert main(["erlang", *options]) == 0
        return self._capsys.readouterr().out

    def document(self, *options: str) -> Any:
        return json.loads(self.page(*options, "--json"))

    def refusal(self, *options: str) -> str:
        assert main(["erlang", *options]) == 1
        return self._capsys.readouterr().err


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Asked:
    return Asked(capsys)


class TestBlocking:
    def test_the_fewest_lines_for_a_share_of_lost_calls(self, ask: Asked) -> None:
        answer = ask.document(*CALLS, "--blocking", "1")
        assert answer["fewest"] == 13 and erlang_b(13, LOAD) <= 0.01 < erlang_b(12, LOAD)
        row = answer["rows"][2]
        assert row["lines"] == 13 and row["blocked"] == erlang_b(13, LOAD)
        assert erlang_b(13, row["most_load"]) == pytest.approx(0.01)

    def test_the_page(self, ask: Asked) -> None:
        page = ask.page(*CALLS, "--blocking", "1")
        assert "  13*    0.8 %" in page
        assert "at most 1.0 % of the calls hear the engaged tone: 13 (Erlang B)" in page

    def test_a_given_number_of_lines(self, ask: Asked) -> None:
        page = ask.page(*CALLS, "--blocking", "1", "--agents", "1")
        assert "  1*   86.5 %" in page and "  3 " in page and "  0 " not in page


class TestDelay:
    def test_agents_so_that_few_callers_wait_at_all(self, ask: Asked) -> None:
        fewest = ask.document(*CALLS, "--delay", "20", "--patience", "3min")["fewest"]
        assert fewest == {"erlang_c": 10, "erlang_a": 9, "square_root": 10, "square_root_patience": 9}
        for agents, enough in ((9, False), (10, True)):
            assert (erlang_c(RATE, AHT, agents).wait_probability <= 0.2) is enough
        for agents, enough in ((8, False), (9, True)):
            assert (erlang_a(RATE, AHT, agents, 180.0).wait_probability <= 0.2) is enough

    def test_without_patience(self, ask: Asked) -> None:
        page = ask.page(*CALLS, "--delay", "20")
        assert "at most 20.0 % of the callers wait at all" in page
        assert "    10  Erlang C: callers never give up" in page and "Erlang A" not in page

    def test_a_day_by_its_offered_load(self, ask: Asked) -> None:
        slots = ask.document(*DAY, "--delay", "20")["slots"]
        load = offered_load(SLOTS, 1800.0, AHT)
        assert [slot["highest_load"] for slot in slots] == [load.at(1800), load.at(3600), load.at(5400), load.at(5400)]
        assert [slot["steady_load"] for slot in slots] == pytest.approx([2.8, 4.4, 5.6, 2.0])
        for slot in slots:
            agents = slot["impatient"]
            assert delay_probability(slot["highest_load"], agents) <= 0.2
            assert delay_probability(slot["highest_load"], agents - 1) > 0.2
            assert slot["patient"] >= agents
        page = ask.page(*DAY, "--delay", "20")
        assert "1:30     10          2.00          5.59              9        9" in page and "approximate" in page


class TestBlocks:
    def test_the_fewest_operator_hours(self, ask: Asked) -> None:
        options = (*DAY, "--patience", "3min", "--blocks", "2,2")
        answer = ask.document(*options)
        most = answer["most"][0]
        choices = cheapest_staffing(BlockProblem(SLOTS, AHT, 180.0, (2, 2), (1, 1), (most, most), 0.8))
        assert answer["operator_hours"] == choices[0].cost
        assert [tuple(each["agents"]) for each in answer["choices"]] == [each.operators for each in choices]
        page = ask.page(*options)
        assert f"within 20 s: {choices[0].cost:g}." in page and "from 0:00  from 1:00" in page
        assert f"Every cheaper choice of 1 to {most} agents misses the target." in page

    def test_no_more_agents_than_given(self, ask: Asked) -> None:
        answer = ask.document(*DAY, "--patience", "3min", "--blocks", "2x2", "--agents", "8", "--target", "70/20")
        assert answer["most"] == [8, 8] and answer["target"] == {"share": 0.7, "within": 20.0}
        assert all(max(each["agents"]) <= 8 for each in answer["choices"])


class TestHandling:
    def test_equal_calls_exactly(self, ask: Asked) -> None:
        answer = ask.document(*CALLS, "--handling", "deterministic", "--agents", "8")
        exact = erlang_d(RATE, AHT, 8)
        row = next(row for row in answer["rows"] if row["agents"] == 8)
        assert (row["wait_probability"], row["exact"]) == (exact.wait_probability, exact.mean_wait)
        assert answer["scv"] == 0 and row["erlang_c"] == erlang_c(RATE, AHT, 8).asa
        page = ask.page(*CALLS, "--handling", "deterministic")
        assert "M/D/c is exact." in page and "approximate" not in page

    def test_any_law_approximately(self, ask: Asked) -> None:
        answer = ask.document(*CALLS, "--handling", "lognormal:0.8")
        scv = lognormal_scv(0.8)
        assert answer["scv"] == scv and [row["agents"] for row in answer["rows"]] == [7, 8, 9, 10, 11]
        row = answer["rows"][1]
        assert row["lee_longton"] == approximate_wait_lee_longton(RATE, AHT, 8, scv)
        assert row["bjorklund_elldin"] == approximate_wait_bjorklund_elldin(RATE, AHT, 8, scv)
        assert row["kimura"] == approximate_wait_kimura(RATE, AHT, 8, scv)
        page = ask.page(*CALLS, "--handling", "lognormal:0.8")
        assert "Lee-Longton, Björklund-Elldin and Kimura are approximate" in page and "is exact" not in page

    def test_one_agent_exactly(self, ask: Asked) -> None:
        options = ("--calls", "8/h", "--aht", "6min", "--handling", "scv:0.5", "--agents", "1")
        rows = ask.document(*options)["rows"]
        assert rows[0]["exact"] == single_agent_wait(8 / 3600, 360.0, 0.5) and "kimura" not in rows[0]
        assert "exact" not in rows[1]
        page = ask.page(*options)
        assert "M/G/1 is exact." in page and "are approximate" in page


class TestPriorities:
    def test_several_agents(self, ask: Asked) -> None:
        options = ("--calls", "8,24/30min", "--aht", "6min", "--agents", "8", "--priorities")
        answer = ask.document(*options)
        waits = several_agents([8 / 1800, 24 / 1800], 360.0, 8)
        assert answer["mean_waits"] == list(waits.waits)
        # Priorities do not change the mean over all callers when handling is the same for all.
        assert answer["mean_wait"] == pytest.approx(erlang_c(RATE, AHT, 8).asa)
        page = ask.page(*options)
        assert "    1      8        26 s" in page and "  all     32  1 min 43 s" in page

    def test_one_agent_with_handling_by_class(self, ask: Asked) -> None:
        answer = ask.document(
            "--calls", "1,3/h", "--aht", "6min,3min", "--handling", "scv:0.5", "--agents", "1", "--priorities"
        )
        expected = single_agent([1 / 3600, 3 / 3600], [360.0, 180.0], [0.5, 0.5])
        assert answer["mean_waits"] == list(expected.waits)

    def test_one_agent_with_the_same_handling(self, ask: Asked) -> None:
        options = ("--calls", "1,3/h", "--aht", "6min", "--agents", "1", "--priorities")
        equal = ask.document(*options, "--handling", "deterministic")["mean_waits"]
        assert equal == [pytest.approx(wait / 2) for wait in ask.document(*options)["mean_waits"]]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--agents", "2", "--aht", "6min,3min"], "with several agents, all classes need the same"),
            (["--agents", "2", "--aht", "6min", "--handling", "scv:0.5"], "with several agents, all classes need"),
            (["--agents", "1", "--aht", "6min,3min,1min"], "--aht: 3 times for 2 classes; give one for all"),
            (["--aht", "6min"], "--priorities: give the number of agents with --agents"),
            (["--agents", "2,3", "--aht", "6min"], "--agents: give one number, 1 or more"),
            (["--agents", "2", "--aht", "6min", "--patience", "60"], "--patience does not go with --priorities"),
            (["--agents", "1", "--aht", "2h"], "8 erlangs are too much for 1 agent, and nobody gives up"),
        ],
    )
    def test_refusals(self, ask: Asked, options: list[str], message: str) -> None:
        assert message in ask.refusal("--calls", "1,3/h", "--priorities", *options)

    def test_no_calls(self, ask: Asked) -> None:
        refusal = ask.refusal("--calls", "0,0/h", "--priorities", "--aht", "60", "--agents", "1")
        assert "--calls: nobody calls in any class" in refusal


def test_retrials_on_one_line(ask: Asked) -> None:
    options = ("--calls", "3/h", "--aht", "6min", "--retrials", "2min")
    line = single_line(3 / 3600, 360.0, 120.0)
    answer = ask.document(*options)
    assert (answer["engaged"], answer["orbit"], answer["mean_wait"]) == (line.engaged, line.orbit, line.mean_wait)
    page = ask.page(*options)
    assert "30.0 %  of the first attempts find the line engaged" in page
    assert "3 min 26 s  from the first attempt to the answer, on average" in page
