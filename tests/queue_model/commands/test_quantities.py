from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable

import pytest

from queue_model.commands import quantities


@pytest.mark.parametrize(
    ("text", "seconds"), [("360", 360), ("360s", 360), ("6min", 360), ("6 m", 360), ("1.5h", 5400), (" 20 sec ", 20)]
)
def test_duration(text: str, seconds: float) -> None:
    assert quantities.duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "rate"), [("32/30min", 32 / 1800), ("64/h", 64 / 3600), ("0.5/s", 0.5), ("12 / 15 min", 12 / 900)]
)
def test_calls(text: str, rate: float) -> None:
    assert quantities.calls(text).rate == pytest.approx(rate)


@pytest.mark.parametrize(
    ("text", "share", "within"), [("80/20", 0.8, 20), ("80%/20s", 0.8, 20), ("92.5/1min", 0.925, 60)]
)
def test_target(text: str, share: float, within: float) -> None:
    assert quantities.target(text) == quantities.Target(share, within)


def test_the_slots_of_a_day() -> None:
    assert quantities.offered("14, 22,0/30min") == quantities.Slots((14.0, 22.0, 0.0), 1800.0)
    assert quantities.offered("32/30min") == quantities.calls("32/30min")
    assert quantities.staff("8x2, 7,6x1") == (8, 8, 7, 6) and quantities.staff("12") == (12,)


@pytest.mark.parametrize(
    ("text", "name", "mean", "numbers"),
    [
        ("3min", "exponential", 180, ()),
        ("deterministic:2min", "deterministic", 120, ()),
        ("weibull:3min,0.7", "weibull", 180, (0.7,)),
        ("uniform:0,6min", "uniform", 180, (0, 360)),
        ("empirical:0,30,2min", "empirical", 50, (0, 30, 120)),
    ],
)
def test_laws_of_patience(text: str, name: str, mean: float, numbers: tuple[float, ...]) -> None:
    assert quantities.patience(text) == quantities.PatienceLaw(name, mean, numbers)


@pytest.mark.parametrize(
    ("read", "text", "told"),
    [
        (quantities.duration, "soon", "write seconds or a unit"),
        (quantities.duration, "-5", "write seconds or a unit"),
        (quantities.duration, "0", "write seconds or a unit"),
        (quantities.duration, "1,5h", "write seconds or a unit"),
        (quantities.duration, "9" * 400, "write seconds or a unit"),
        (quantities.calls, "32", "how many calls in what time"),
        (quantities.calls, "32/0min", "above 0"),
        (quantities.calls, "0/h", "above 0"),
        (quantities.calls, "-3/h", "how many calls in what time"),
        (quantities.target, "80", "per cent and seconds"),
        (quantities.target, "100/20", "100 % is not a target"),
        (quantities.target, "0/20", "0 % is not a target"),
        (quantities.offered, "14,x/30min", "how many calls in each slot"),
        (quantities.offered, "14,22", "how many calls"),
        (quantities.offered, "14,22/0min", "above 0"),
        (quantities.staff, "8x", "write 8, or for the slots"),
        (quantities.staff, "8,,7", "write 8, or for the slots"),
        (quantities.staff, "-1", "write 8, or for the slots"),
        (quantities.patience, "wiebull:3min,1", "not a law of patience"),
        (quantities.patience, "weibull:3min", "not a law of patience"),
        (quantities.patience, "lognormal:soon,1", "not a length of time"),
        (quantities.patience, "uniform:3min", "not a law of patience"),
        (quantities.patience, "empirical:", "not a length of time"),
        (quantities.share, "100", "not a percentage"),
        (quantities.shape, "0", "not a number above 0"),
        (quantities.agents, "0", "whole number from 1"),
        (quantities.agents, "2.5", "whole number from 1"),
        (quantities.agents, "1000000", "whole number from 1"),
    ],
)
def test_refusals_show_an_example(read: Callable[[str], object], text: str, told: str) -> None:
    with pytest.raises(ArgumentTypeError, match=told):
        read(text)


def test_tables() -> None:
    assert [quantities.time(t) for t in (0, 0.34, 9.94, 14.4, 59.6, 60, 454.3, 1800)] == [
        "0.0 s", "0.3 s", "9.9 s", "14 s", "1 min", "1 min", "7 min 34 s", "30 min",
    ]  # fmt: skip
    assert [quantities.percent(p) for p in (0, 0.0001, 0.5, 0.9994, 0.99996, 1)] == [
        "0.0 %", "<0.1 %", "50.0 %", "99.9 %", ">99.9 %", "100.0 %",
    ]  # fmt: skip
