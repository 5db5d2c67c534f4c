"""`ivr facts`: what happened on the calls, for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from common import instants
from common.places import ROOT, Places
from ivr import cli
from ivr.commands.facts import Reader
from ivr.configuration.compiled import Compiled
from ivr.facts import Fact, Spool, stderr_alarm

FACTS = [
    Fact("1", "1785000000.1", 1785000000.0, "answered", {"revision": "abc"}),
    Fact("2", "1785000000.2", 1785000001.0, "answered", {"revision": "abc"}),
    Fact("3", "1785000000.1", 1785000002.5, "choice", {"node": "topics", "key": "", "why": None}),
    Fact("4", "1785000000.1", 1793494799.0, "ended", {"fate": "answered"}),  # in winter time
]


@pytest.fixture
def places(tmp_path: Path, compiled: Compiled) -> Places:
    places = Places(var=str(tmp_path))
    Path(places.compiled).write_text(json.dumps(compiled))
    return places


def report(places: Places, facts: list[Fact], seal: bool = True) -> Spool:
    spool = Spool(places.facts, stderr_alarm)
    for fact in facts:
        spool.write(fact)
    if seal:
        spool.seal()
    return spool


def shown(places: Places, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert cli.main(["--var", places.var, "facts", *options]) == 0
    return capsys.readouterr().out.splitlines()


def test_a_table_in_the_time_of_the_service(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    report(places, FACTS)
    assert shown(places, capsys) == [
        "2026-07-25 19:20:00+02:00  1785000000.1          answered       revision=abc",
        "2026-07-25 19:20:01+02:00  1785000000.2          answered       revision=abc",
        "2026-07-25 19:20:02+02:00  1785000000.1          choice         node=topics key=- why=-",
        "2026-11-01 01:59:59+01:00  1785000000.1          ended          fate=answered",
    ]


def test_one_call_only(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    report(places, FACTS)
    assert len(shown(places, capsys, "--call", "1785000000.1")) == 3
    assert shown(places, capsys, "--call", "nobody's") == []


def test_json_is_that_of_the_spool_with_iso_times(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    report(places, FACTS)
    documents = [json.loads(line) for line in shown(places, capsys, "--json")]
    assert documents[0]["at"] == "2026-07-25T19:20:00+02:00"
    assert [Fact(**{**document, "at": instants.parse(document["at"])}) for document in documents] == FACTS


def test_unsealed_facts_are_shown_too_in_order_of_time(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    spool = report(places, FACTS[2:], seal=False)
    report(places, FACTS[:2])
    assert [json.loads(line)["id"] for line in shown(places, capsys, "--json")] == ["1", "2", "3", "4"]
    spool.seal()


def test_nothing_happened_yet(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(places, capsys) == []


def test_without_a_configuration_times_are_utc(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = Places(var=str(tmp_path))
    report(places, FACTS[:1])
    assert cli.main(["--var", places.var, "facts"]) == 0
    seen = capsys.readouterr()
    assert seen.out.startswith("2026-07-25 17:20:00+00:00  ")
    assert "times are UTC" in seen.err


def test_a_line_that_is_not_a_fact_is_reported(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    report(places, FACTS)
    broken = Path(places.facts) / "2026-07-25" / "9.jsonl"
    broken.parent.mkdir(exist_ok=True)
    broken.write_text("nonsense\n")
    assert cli.main(["--var", places.var, "facts"]) == 1
    assert f"{broken}:1: not a fact" in capsys.readouterr().err


def test_a_reader_returns_each_fact_once_while_segments_grow_and_are_sealed(places: Places) -> None:
    reader = Reader(places.facts)
    assert list(reader.new()) == []
    spool = Spool(places.facts, stderr_alarm)
    given = []
    for number, fact in enumerate(FACTS):
        spool.write(fact)
        given += list(reader.new())
        if number % 2:
            spool.seal()
        given += list(reader.new())
    assert given == FACTS


def test_follow_shows_later_facts(places: Places) -> None:
    report(places, FACTS[:1])
    command = [sys.executable, "-m", "ivr.cli", "--var", places.var, "facts", "--json", "--follow"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["id"] == "1"
            report(places, FACTS[1:2])
            assert json.loads(process.stdout.readline())["id"] == "2"
        finally:
            process.terminate()
