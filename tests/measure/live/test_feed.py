"""`measure live`: a feed that survives lost connections, and its output."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Insert

from charter.calendar import OpeningHours, parse_range
from charter.kpi import Visit
from common.places import Places
from common.ports import free_ports
from ivr import ami
from ivr.ami import Backoff
from ivr.ami.account import Ami
from ivr.configuration import service
from measure import cli
from measure.commands.live import _metrics
from measure.live import display, feed
from measure.live.display import Gauges
from measure.live.feed import Feed
from measure.live.queue_state import QueueState
from measure.tables import queue_log_file
from registry.db import schema
from registry.db.connection import Database, database_url
from registry.db.migrations import all_tables
from tests.conftest import OPEN, rome
from tests.ivr.ami.peer import Visitor, manager
from tests.measure.switch_events import QUEUE, caller, member

NOW = rome(OPEN)
HOURS = OpeningHours("Europe/Rome", [[parse_range("00:00-24:00")] for _ in range(7)])


def text(*messages: dict[str, str]) -> bytes:
    return b"".join(
        "".join(f"{key}: {value}\r\n" for key, value in each.items()).encode() + b"\r\n" for each in messages
    )


async def tell_everything(visitor: Visitor, *entries: dict[str, str], at: float = NOW, queue: str = QUEUE) -> None:
    await visitor.reply(await visitor.hear(), "Ping: Pong", f"Timestamp: {at:.6f}")
    asked = await visitor.hear()
    assert asked["Queue"] == QUEUE
    await visitor.reply(asked, "EventList: start")
    for entry in ({"Event": "QueueParams", "Queue": queue}, *entries):
        await visitor.send(text({**entry, "ActionID": asked["ActionID"]}))
    await visitor.reply(asked, "EventList: Complete", kind="Event: QueueStatusComplete")


def feed_of(account: Ami, load_visits: feed.LoadVisits = lambda midnight: None) -> Feed:
    return Feed(QueueState(QUEUE, HOURS, 20), account, load_visits)


def test_the_snapshot_uses_the_switchs_clock_and_survives_a_lost_connection() -> None:
    visits = 0

    async def script(visitor: Visitor) -> None:
        nonlocal visits
        visits += 1
        await visitor.welcome()
        seat = member("QueueMember", "PJSIP/seat01")
        if visits == 1:
            await tell_everything(visitor, seat, caller("QueueEntry", "1.1", Wait=50))
            await visitor.send(text(caller("QueueCallerJoin", "2.1")))
            await asyncio.sleep(0.05)
            return
        await tell_everything(visitor, seat, member("QueueMember", "PJSIP/seat02", Status=6))
        await visitor.send(text(caller("QueueCallerJoin", "3.1")))
        await visitor.reader.read()

    async def play() -> None:
        async with manager(script) as account:
            made = feed_of(account)
            keeping = asyncio.create_task(made.follow(Backoff(0.01, 0.02)))
            seen: list[tuple[bool, int, int]] = []
            async with asyncio.timeout(10):
                while not seen or seen[-1] != (True, 1, 2):
                    snapshot = made.snapshot()
                    seen.append((snapshot.connected, snapshot.waiting, snapshot.seats.logged_in))
                    assert not snapshot.connected or abs(snapshot.at - NOW) < 30
                    await asyncio.sleep(0.002)
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            assert (True, 2, 1) in seen
            assert (False, 2, 1) in seen
            assert made.problem == ""

    asyncio.run(play())


def test_stored_visits_of_the_day_are_in_the_figures() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await tell_everything(visitor)

    async def play() -> None:
        async with manager(script) as account:
            made = feed_of(account, lambda midnight: {"9.1": Visit(midnight + 5, "answered", 7.0)})
            await made.once(5)
            snapshot = made.snapshot()
            assert (snapshot.offered, snapshot.answered, snapshot.since) == (1, 1, rome("2026-11-24 00:00"))

    asyncio.run(play())


def test_a_missing_queue_is_refused_with_a_remedy() -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await tell_everything(visitor, queue="another")

    async def play() -> None:
        async with manager(script) as account:
            await feed_of(account).once(5)

    with pytest.raises(ami.ActionRefused, match=r"no queue 'nul'; include.*ivr render"):
        asyncio.run(play())


def test_prometheus_metrics_have_states_and_figures_but_no_names() -> None:
    made = feed_of(Ami("127.0.0.1", 1, "nul", "x"))
    made.state.reset([member("QueueMember", "PJSIP/seat07", Paused=1, PausedReason="email")], time.time())
    made.state.handle(caller("QueueCallerJoin", "1.1"), time.time())
    registry = CollectorRegistry()
    registry.register(Gauges(made))
    shown = generate_latest(registry).decode()
    assert "measure_queue_waiting 1.0" in shown
    assert 'measure_seats{state="paused_email"} 1.0' in shown
    assert 'measure_today_visits{fate="offered"} 0.0' in shown
    assert "op" not in [word[:2] for word in shown.replace('"', " ").split() if word[2:].isdigit()]
    assert "seat07" not in shown


def test_metrics_are_served_on_loopback_and_a_port_in_use_is_refused() -> None:
    (port,) = free_ports(1, "tcp")
    made = feed_of(Ami("127.0.0.1", 1, "nul", "x"))
    with _metrics(made, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert b"measure_live_connected 0.0" in answer.read()
        with pytest.raises(Exception, match=f"--metrics-port {port}"), _metrics(made, port):
            pass


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.delenv("NUL_DATABASE", raising=False)
    made = Places(var=str(tmp_path / "var"))
    Path(made.var).mkdir()
    service.compile(made)
    return made


def shown(places: Places, account: Ami, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setenv("NUL_AMI", f"{account.user}@{account.host}:{account.port}")
    monkeypatch.setenv("NUL_AMI_SECRET", account.secret)
    return cli.main(["--config", places.config, "--var", places.var, "live", *words])


def once(
    places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str]:
    """Run the command with --once against a switch with one seat and one caller."""

    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await tell_everything(visitor, member("QueueMember", "PJSIP/seat01"), caller("QueueEntry", "1.1", Wait=75))

    async def play() -> int:
        async with manager(script) as account:
            return await asyncio.to_thread(shown, places, account, monkeypatch, "--once", *words)

    status = asyncio.run(play())
    return status, capsys.readouterr().out


def test_json_says_why_there_is_no_connection(
    places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        json.loads(display.json_line(QueueState(QUEUE, HOURS, 20).snapshot(NOW), "no answer"))["problem"] == "no answer"
    )
    assert json.loads(once(places, monkeypatch, capsys, "--json")[1])["problem"] == ""


def test_once_prints_counts(
    places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = once(places, monkeypatch, capsys)
    assert status == 0
    said = {line[:24].strip(): line[25:] for line in out.splitlines()}
    assert (said["waiting"], said["longest current wait"], said["free"]) == ("1", "1:15", "1")
    assert said["today: offered"] == "0"
    assert "Tue 24 Nov 10:00" in out


FILE = {"path": "q", "device": 1, "inode": 1, "head_hash": "x", "head_length": 1, "position": 1, "read_at": NOW}
LINE = {"call_id": "1.1", "at": NOW, "said": "nul|op101|PAUSE|"}


@pytest.mark.parametrize(
    "taken_in",
    [queue_log_file.insert().values(FILE), schema.queue_event.insert().values(LINE)],
    ids=["file", "realtime"],
)
def test_once_as_json_includes_the_days_visits_from_the_registry(
    places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], taken_in: Insert
) -> None:
    database = Database(database_url(places))
    all_tables().create_all(database.engine)
    visit = {"visit_no": 1, "call_id": "1.1", "queue": "nul", "in_service": 1, "wait_s": None, "talk_s": None}
    with database.begin() as connection:
        connection.execute(
            schema.queue_visit.insert(),
            [
                {
                    **visit,
                    "unique_id": "1.1",
                    "entered_at": NOW - 600,
                    "fate": "answered",
                    "wait_s": 12.0,
                    "talk_s": 100.0,
                },
                {**visit, "unique_id": "2.1", "entered_at": NOW - 90000, "fate": "abandoned", "wait_s": 9.0},
                {**visit, "unique_id": "3.1", "entered_at": NOW - 60, "fate": "waiting"},
                {**visit, "unique_id": "4.1", "entered_at": NOW - 300, "fate": "talking", "wait_s": 30.0},
                {**visit, "unique_id": "5.1", "entered_at": NOW - 500, "fate": "withdrawn", "wait_s": 60.0},
                {**visit, "unique_id": "6.1", "entered_at": NOW - 500, "fate": "abandoned", "queue": "back-office"},
            ],
        )
    assert json.loads(once(places, monkeypatch, capsys, "--json")[1])["offered"] == 0  # nothing was ingested
    with database.begin() as connection:
        connection.execute(taken_in)
    document = json.loads(once(places, monkeypatch, capsys, "--json")[1])
    assert (document["offered"], document["answered"], document["abandoned"]) == (3, 2, 0)
    assert document["led_to_voicemail"] == 1
    assert document["figures"]["service_level"] == {"value": 1 / 3, "numerator": 1, "denominator": 3}
    assert document["since"] == "2026-11-24T00:00:00+01:00"
    database.close()


def test_a_missing_switch_is_refused_with_a_remedy(
    places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert shown(places, Ami("127.0.0.1", held.getsockname()[1], "nul", "x"), monkeypatch, "--once") == 1
    assert "does Asterisk run" in capsys.readouterr().err
    monkeypatch.delenv("NUL_AMI")
    assert cli.main(["--var", places.var, "live", "--once"]) == 1
    assert "measure live: " in capsys.readouterr().err


def test_a_terminal_is_refreshed_in_place(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await tell_everything(visitor, member("QueueMember", "PJSIP/seat01"))
        await visitor.send(text(caller("QueueCallerJoin", "1.1")))
        await visitor.reader.read()

    async def play() -> str:
        ours, theirs = pty.openpty()
        async with manager(script) as account:
            environment = {
                **os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40",
                "NUL_AMI": f"{account.user}@{account.host}:{account.port}", "NUL_AMI_SECRET": account.secret,
            }  # fmt: skip
            command = [sys.executable, "-m", "measure.cli", "--var", places.var, "live", "--every", "0.1"]
            process = await asyncio.create_subprocess_exec(*command, stdout=theirs, stderr=theirs, env=environment)
            shown = ""
            try:
                async with asyncio.timeout(20):
                    while not re.search(r"waiting\s+│ 1 ", shown):
                        shown += (await asyncio.to_thread(os.read, ours, 65536)).decode(errors="replace")
            finally:
                process.send_signal(signal.SIGINT)
                assert await process.wait() == 130
                os.close(theirs)
                os.close(ours)
        return shown

    shown = asyncio.run(play())
    assert "\x1b[1A" in shown  # the cursor moves up and the table is overwritten
    assert "Traceback" not in shown
