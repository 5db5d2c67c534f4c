"""A clock that is set back, on a real Asterisk: the operators whom it blocks, how that is seen, and the remedy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from charter.calendar import OpeningHours
from measure.live.feed import Feed
from measure.live.queue_state import QueueState
from tests.asterisk.support.call_steps import enter_queue, fate, wait_entered
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until

pytestmark = pytest.mark.switch


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system({"queue": {"wrap_up_seconds": 1}}, operators=1, prompt_bytes=BRIEF) as built:
        yield built


def test_given_an_operator_after_a_call_when_the_clock_is_set_back_then_it_is_seen_and_the_remedy_helps(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    service = system.stack.compiled["service"]
    state = QueueState("nul", OpeningHours.of(service), service["queue"]["wrap_up_seconds"])
    feed = Feed(state, system.stack.switch.ami, lambda midnight: None)
    visit = enter_queue(system)
    system.answer().hang_up()
    visit.line.hang_up()
    assert fate(system, visit) == "answered"
    asyncio.run(feed.once(10))
    assert feed.snapshot().seats.blocked == 0
    system.move_clock(datetime.fromtimestamp(system.now() - 600, UTC).isoformat())
    asyncio.run(feed.once(10))
    snapshot = feed.snapshot()
    assert (snapshot.seats.blocked, snapshot.seats.free, snapshot.clock_steps) == (1, 0, 1)
    assert snapshot.last_step == pytest.approx(-600, abs=2)
    assert 'operators are not rung: asterisk -rx "queue reset stats nul"' in capsys.readouterr().err
    waiting = enter_queue(system)
    wait_entered(system, waiting)
    assert system.metric("ivr_clock_steps_total", step="switch_back") == 1
    assert system.metric("ivr_clock_steps_total", step="engine_back") == 0  # only the switch's clock was moved
    assert not system.seats.incoming
    system.stack.switch.cli("queue reset stats nul")  # docs/ops.md
    ringing = system.seats.wait_ring()
    system.answer(ringing).hang_up()
    waiting.line.hang_up()
    assert fate(system, waiting) == "answered"
    wait_until(lambda: system.channels() == 0, "the calls to end")
