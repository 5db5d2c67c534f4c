"""The live figures on a real Asterisk: states, fates, a restart; and the AMI client alone."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from charter.calendar import OpeningHours
from common.places import ROOT
from ivr import ami
from ivr.ami import Backoff
from measure.live.feed import Feed
from measure.live.queue_state import QueueState, Snapshot
from tests.asterisk.support.call_steps import enter_queue, fate, wait_entered
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until
from voicemail.callback import calling

pytestmark = pytest.mark.switch

CHANGES = {"queue": {"longest_queue": 1, "voicemail_key": "1", "wrap_up_seconds": 0}}


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system(CHANGES, operators=2, prompt_bytes=BRIEF) as system:
        yield system


@contextlib.contextmanager
def watched(system: System) -> Iterator[Feed]:
    """A feed that is kept up to date in its own thread."""
    service = system.stack.compiled["service"]
    state = QueueState(service["queue"]["name"], OpeningHours.of(service), service["queue"]["wrap_up_seconds"])
    feed = Feed(state, system.stack.switch.ami, lambda midnight: None)
    loop = asyncio.new_event_loop()
    task = loop.create_task(feed.follow(Backoff(0.05, 0.2)))

    def run() -> None:
        asyncio.set_event_loop(loop)
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_until(lambda: feed.snapshot().connected, "the feed to be connected")
        yield feed
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
        loop.close()


def wait_shown(feed: Feed, condition: Callable[[Snapshot], bool], what: str) -> None:
    wait_until(lambda: condition(feed.snapshot()), f"{what}: {feed.snapshot()}")


def test_given_a_watched_queue_when_callers_come_and_go_then_the_state_follows(system: System) -> None:
    with watched(system) as feed:
        assert abs(feed.now() - system.now()) < 5  # it follows the switch's clock
        wait_shown(feed, lambda seen: seen.seats.free == 2, "two free seats")
        visit = enter_queue(system)
        ringing = system.seats.wait_ring()
        wait_shown(feed, lambda seen: (seen.waiting, seen.seats.ringing) == (1, 1), "one waits, one rings")
        system.answer(ringing)
        wait_shown(feed, lambda seen: (seen.waiting, seen.seats.talking, seen.answered) == (0, 1, 1), "a conversation")
        ringing.hang_up()
        visit.line.hang_up()
        assert fate(system, visit) == "answered"
        for code, reason in (("*131*01", "break"), ("*133*02", "email")):
            system.stack.desk(code)
            wait_shown(feed, lambda seen, reason=reason: seen.seats.paused[reason] == 1, f"a pause: {reason}")  # type: ignore[misc]
        waiting = enter_queue(system)
        wait_entered(system, waiting)
        refused = enter_queue(system)
        wait_shown(feed, lambda seen: (seen.waiting, seen.led_to_voicemail) == (1, 1), "one waits, one was refused")
        waiting.line.press("1")
        wait_shown(feed, lambda seen: seen.led_to_voicemail == 2, "one left by key")
        for finished in (waiting, refused):
            finished.line.hang_up()
        system.wait_idle()
        abandoned = enter_queue(system)
        wait_entered(system, abandoned)
        abandoned.line.hang_up()
        wait_shown(feed, lambda seen: (seen.offered, seen.abandoned) == (4, 1), "one gave up")
        for code in ("*14*01", "*14*02"):
            system.stack.desk(code)
        wait_shown(feed, lambda seen: seen.seats.free == 2, "two free seats again")
    verbs = system.events()
    assert [verbs.count(verb) for verb in ("CONNECT", "ABANDON", "EXITWITHKEY", "FULL")] == [1, 1, 1, 1]


def test_given_a_watched_queue_when_asterisk_is_restarted_then_the_state_is_listed_again(system: System) -> None:
    with watched(system) as feed:
        before = feed.snapshot()
        switch = system.stack.switch
        switch.stop()
        wait_shown(feed, lambda seen: not seen.connected, "the connection to be lost")
        system.stack.switch.prepare(lambda prepared: system.stack.render(system.now()))
        system.restart_switch()
        wait_shown(feed, lambda seen: seen.connected, "the connection to be back")
        wait_shown(feed, lambda seen: seen.seats.logged_in == 2, "the operators to be logged in")
        system.stack.wait_reachable([1, 2])
        after = feed.snapshot()
        assert after.waiting == 0
        assert after.blind_seconds > 0
        assert after.offered == before.offered
        visit = enter_queue(system)
        ringing = system.seats.wait_ring()
        wait_shown(feed, lambda seen: (seen.waiting, seen.seats.ringing) == (1, 1), "one waits, one rings")
        visit.line.hang_up()
        ringing.hang_up()
    system.wait_idle()


def test_given_a_wrong_secret_when_a_client_logs_in_then_the_error_names_the_user(system: System) -> None:
    async def play() -> None:
        account = system.stack.switch.ami._replace(secret="wrong")
        with pytest.raises(ami.LoginRefused, match=r"login as ivr refused"):
            async with ami.connect(account):
                pass

    asyncio.run(play())


def test_given_many_actions_at_once_when_asterisk_replies_then_each_action_gets_its_own_reply(system: System) -> None:
    async def play() -> None:
        async with ami.connect(system.stack.switch.ami, events="on") as connection:
            await asyncio.gather(
                *(connection.action("DBPut", {"Family": "test", "Key": f"k{n}", "Val": str(n)}) for n in range(100))
            )
            replies = await asyncio.gather(
                *(connection.listed("DBGet", {"Family": "test", "Key": f"k{n}"}) for n in range(100))
            )
            assert [entry[0]["Val"] for entry in replies] == [str(n) for n in range(100)]
            with pytest.raises(ami.ActionRefused, match="Database entry not found"):
                await connection.listed("DBGet", {"Family": "test", "Key": "none"})
            await connection.action("DBDelTree", {"Family": "test"})
            with pytest.raises(ami.ActionRefused, match="Invalid/unknown command"):
                await connection.action("NoSuchAction")

    asyncio.run(play())


def test_given_the_rights_of_the_ops_page_when_a_site_logs_in_then_they_are_sufficient_and_minimal(
    system: System,
) -> None:
    """docs/ops.md, Call-backs: `read` and `write` of the manager user."""
    switch = system.stack.switch
    page = Path(ROOT, "docs", "ops.md").read_text(encoding="utf-8")
    (rights,) = re.findall(r"^(read = .*\nwrite = .*)$", page, re.M)
    custom = Path(switch.etc, "manager_custom.conf")
    custom.write_text(f"[site]\nsecret = s3cret\npermit = 127.0.0.0/255.0.0.0\n{rights}\n", encoding="utf-8")
    switch.cli("manager reload")
    service = system.stack.compiled["service"]

    async def play() -> None:
        account = switch.ami._replace(user="site", secret="s3cret")
        state = QueueState(service["queue"]["name"], OpeningHours.of(service), 0)
        await Feed(state, account, lambda midnight: None).once(10)
        assert state.snapshot(system.now()).seats.logged_in == 2
        async with ami.connect(account, events=calling.EVENTS) as connection:
            assert await calling.find_seat(connection, "op101") == "seat01"
            with pytest.raises(ami.ActionRefused, match="Permission denied"):
                await connection.action("Command", {"Command": "core stop now"})
            attempt = calling.Attempt("r", "NUL-1", 1, "+390612345678", "callback-rights")
            ringing = asyncio.create_task(calling.place_call(connection, service, "seat01", attempt))
            operator = await asyncio.to_thread(system.seats.wait_ring)
            operator.answer()
            citizen = await asyncio.to_thread(system.caller.wait_ring)
            citizen.reject("486 Busy Here")
            assert (await ringing).proposed == "busy"

    asyncio.run(play())
    custom.unlink()
    switch.cli("manager reload")
    system.wait_idle()
