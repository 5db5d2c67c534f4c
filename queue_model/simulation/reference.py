"""The reference engine: the service as SimPy processes. Who wants to know what the model does reads this file.

A **caller** calls, waits, is served or leaves, and may call again. An **operator** comes, works, pauses, goes home. The
**roster** tells operators when. The **mailbag** brings e-mails, the **night** callers who meet the voicemail outside
hours. They meet in the **room**: its queue, its idle operators, its seats, its work that can wait.

Two rules make this engine and the compiled one (`kernel.py`) give the same record to the last bit. Every instant is
scheduled as such, never as "so many seconds from now", which rounds. And at one instant the order is stated, not left
to chance: SimPy's priority of an event is its kind (`inputs.TALK_END` ... `inputs.MAIL`), and whatever an event sets
off at the same instant (a grant, an interrupt: SimPy's priorities 0 and 1) is over before the next event begins.
`docs/mechanisms.md` says the rules in prose.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Generator, Iterable
from heapq import heappush
from math import inf, nan
from operator import attrgetter
from typing import Any

import numpy as np
import simpy

from charter.work_assignment import next_work
from common.garbage_collection import reduced_garbage_collection
from queue_model.simulation import inputs as kinds
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.records import CALL, CALLBACK, MAIL, WORK, Outcome, Records, Rows, Work
from queue_model.simulation.second_level import second_level

Process = Generator[simpy.Event, Any, None]
AFTER_HOPS = 2  # SimPy's own priorities are 0 (urgent) and 1 (normal)


class Clock(simpy.Environment):
    """SimPy's environment, with instants instead of delays, and a stated order at ties."""

    def at(self, instant: float, kind: int) -> simpy.Event:
        """An event of this kind at this instant."""
        event = simpy.Event(self)
        event._ok, event._value = True, None
        agenda: list[Any] = self._queue
        heappush(agenda, (instant, kind + AFTER_HOPS, next(self._eid), event))
        return event

    def begin(self, process: Process) -> None:
        """Start a process within the event that is going on. Who is done at once, as most callers, needs no more."""
        for first in process:
            self.process(_going_on(first, process))
            return


def _going_on(first: simpy.Event, process: Process) -> Process:
    """The rest of a process that waits for its first event."""
    event = first
    while True:
        value = yield event
        try:
            event = process.send(value)
        except StopIteration:
            return


class Call:
    """One attempt of a caller, and what became of it."""

    __slots__ = (
        *("attempt", "entered", "entity", "left", "message", "operator"),
        *("outcome", "priority", "talk", "topic", "turn", "wait", "wrap"),
    )

    def __init__(self, room: Room, entity: int, attempt: int) -> None:
        self.entity, self.attempt, self.entered = entity, attempt, room.clock.now
        self.topic, self.priority = room.topic[entity], room.priority[entity]
        self.talk = self.wrap = 0.0  # until it is answered
        self.turn: simpy.Event | None = None  # of who waits; its value is what ended the wait
        self.operator, self.wait, self.left, self.message = -1, nan, nan, False
        self.outcome = Outcome.WAITING

    def end(self, outcome: Outcome, left: float) -> None:
        self.outcome, self.left = outcome, left
        if outcome is not Outcome.ANSWERED:
            self.wait = left - self.entered

    def row(self) -> tuple[Any, ...]:
        times = (self.entered, self.wait, self.talk, self.wrap, self.left)
        return (*times, self.entity, self.operator, self.attempt, self.topic, self.priority, self.outcome, self.message)


class Task:
    """Work that can wait: an e-mail or a call-back."""

    def __init__(self, kind: Work, entity: int, attempt: int, topic: int, arrived: float, work: float) -> None:
        self.kind, self.entity, self.attempt, self.topic = kind, entity, attempt, topic
        self.arrived, self.remaining = arrived, work
        self.started, self.ended, self.operator = nan, nan, -1


class Operator:
    """A person: comes, sits down, works, pauses, goes home; comes again for the next shift."""

    def __init__(self, room: Room, number: int, skills: int) -> None:
        self.room, self.clock, self.number, self.skills = room, room.clock, number, skills
        self.on_shift = self.seated = self.on_break = self.break_due = False
        self.wanted = simpy.Event(room.clock)  # wakes who does nothing: with work, or with None (look around you)
        self.diary: list[list[Any]] = []  # start, end, operator, reference, attempt, kind
        self.process = room.clock.process(self.life())

    def may(self, topic: int) -> bool:
        return bool(self.skills >> topic & 1)

    @property
    def at_work(self) -> bool:
        return self.seated and self.on_shift and not self.on_break

    def life(self) -> Process:
        while True:
            yield from self.sit_down()
            chair = self.note(Work.SEATED)
            while self.on_shift:
                if self.break_due:
                    yield from self.pause()
                    continue
                work = self.room.first_call_for(self) or (yield self.idle())
                while work is not None:
                    work = yield from self.do(work)
            self.close(chair)
            self.seated = False
            self.room.seat_left()

    def sit_down(self) -> Process:
        """Wait for the shift, then for a seat. Who is sent home before there is one waits for the next shift."""
        while not self.seated:
            self.wanted = simpy.Event(self.clock)
            if self.on_shift:
                self.room.seat_needed(self)
            if not self.seated:
                yield self.wanted

    def idle(self) -> simpy.Event:
        """Join the end of the idle, ready for a call or for work that can wait."""
        self.wanted = simpy.Event(self.clock)
        self.room.idle.append(self)
        self.room.share_out()
        return self.wanted

    def pause(self) -> Process:
        self.on_break = True
        entry = self.note(Work.BREAK)
        while self.break_due:
            self.wanted = simpy.Event(self.clock)
            yield self.wanted
        self.on_break = False
        self.close(entry)

    def do(self, work: Call | Task) -> Generator[simpy.Event, Any, Call | None]:
        """Work to the end, whatever the roster says meanwhile. Returns the call for which an e-mail was put down."""
        if isinstance(work, Task):
            return (yield from self.do_task(work))
        entry = self.note(Work.CALL, work.entity, work.attempt)
        yield self.clock.at(self.clock.now + work.talk + work.wrap, kinds.WORK_END)
        self.close(entry)
        return None

    def do_task(self, task: Task) -> Generator[simpy.Event, Any, Call | None]:
        room, entry = self.room, self.note(task.kind, task.entity, task.attempt)
        if task.operator < 0:
            task.started = self.clock.now
        task.operator = self.number
        if room.inputs.put_down and task.kind is Work.EMAIL:
            room.interruptible.append(self)
        end, call = self.clock.now + task.remaining, None
        try:
            yield self.clock.at(end, kinds.WORK_END)
            task.ended = end
            room.not_interruptible(self)
        except simpy.Interrupt as interrupt:
            call = interrupt.cause
            task.remaining = end - self.clock.now
            room.mails.appendleft(task)
            room.share_out()  # somebody may be free for the e-mail who was not for the call
        self.close(entry)
        return call

    def note(self, kind: Work, reference: int = -1, attempt: int = 0) -> list[Any]:
        entry = [self.clock.now, nan, self.number, reference, attempt, kind]
        self.diary.append(entry)
        return entry

    def close(self, entry: list[Any]) -> None:
        entry[1] = self.clock.now

    # what the roster says
    def shift_starts(self) -> None:
        self.on_shift = True
        if not self.seated:  # else he is still finishing something from the shift before, and stays
            self.wanted.succeed()

    def shift_ends(self) -> None:
        self.on_shift = self.break_due = False
        self.room.not_interruptible(self)
        if self in self.room.without_seat:
            self.room.without_seat.remove(self)
        elif self.on_break or self.room.no_longer_idle(self):
            self.wanted.succeed()

    def break_starts(self) -> None:
        if self.on_shift:
            self.break_due = True
            self.room.not_interruptible(self)
            if self.room.no_longer_idle(self):
                self.wanted.succeed()

    def break_ends(self) -> None:
        self.break_due = False
        if self.on_break:
            self.wanted.succeed()


class Room:
    """Where they meet: who waits, who is idle, what is to be done, which seats and lines are taken."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.clock = inputs, Clock()
        self.topic, self.priority = inputs.call_topic.tolist(), inputs.call_priority.tolist()
        self.talk, self.wrap = inputs.talk.tolist(), inputs.wrap.tolist()
        self.waiting: list[Call] = []  # in the order in which they are served
        self.idle: list[Operator] = []  # longest idle first
        self.interruptible: list[Operator] = []  # on an e-mail that they would put down; latest last
        self.without_seat: list[Operator] = []
        self.seats_taken = self.lines_taken = 0
        self.callbacks: deque[Task] = deque()
        self.mails: deque[Task] = deque()
        # everything that there ever was, for the records
        self.calls: list[Call] = []
        self.tasks: list[Task] = []
        self.operators = [Operator(self, number, skills) for number, skills in enumerate(inputs.skills.tolist())]
        for process in (street(self), night(self), mailbag(self), roster(self)):
            self.clock.process(process)

    # calls
    def answer(self, call: Call) -> bool:
        """Somebody free takes the call: who has been idle longest, else who took an e-mail last and puts it down."""
        for operator in self.idle:
            if operator.may(call.topic):
                self.idle.remove(operator)
                self.connect(call, operator)
                operator.wanted.succeed(call)
                return True
        for operator in reversed(self.interruptible):
            if operator.may(call.topic):
                self.interruptible.remove(operator)
                self.connect(call, operator)
                operator.process.interrupt(call)
                return True
        return False

    def connect(self, call: Call, operator: Operator) -> None:
        call.operator, call.wait = operator.number, self.clock.now - call.entered
        call.talk, call.wrap = self.talk[call.entity][call.attempt], self.wrap[call.entity][call.attempt]
        if call.turn is not None:
            call.turn.succeed(Outcome.ANSWERED)

    def turned_away(self, call: Call) -> Outcome | None:
        """Why a caller whom nobody can answer does not even wait."""
        inputs = self.inputs
        if inputs.busy_then_voicemail or (inputs.empty_then_voicemail and not self.seats_taken):
            return Outcome.VOICEMAIL_BUSY
        if len(self.waiting) >= inputs.longest_queue:
            return Outcome.VOICEMAIL_FULL
        if inputs.announced:
            at_work = sum(operator.at_work for operator in self.operators)
            announced = (len(self.waiting) + 1) * inputs.mean_handle / max(1, at_work)
            if announced > inputs.tolerance[call.entity, call.attempt]:
                return Outcome.ABANDONED
        return None

    def first_call_for(self, operator: Operator) -> Call | None:
        for call in self.waiting:
            if operator.may(call.topic):
                self.waiting.remove(call)
                self.connect(call, operator)
                return call
        return None

    def hang_up(self, call: Call, turn: simpy.Event, reason: Outcome) -> None:
        """The end of a wait, unless it was over already."""
        if not turn.triggered:
            self.waiting.remove(call)
            turn.succeed(reason)

    def voicemail(self, call: Call) -> None:
        if self.inputs.leaves_message[call.entity, call.attempt]:
            call.message = True
            work = float(self.inputs.callback_work[call.entity, call.attempt])
            self.call_back(call.entity, call.attempt, call.topic, work)

    # work that can wait
    def call_back(self, entity: int, attempt: int, topic: int, work: float) -> None:
        task = Task(Work.CALLBACK, entity, attempt, topic, self.clock.now, work)
        self.tasks.append(task)
        self.callbacks.append(task)
        self.share_out()

    def share_out(self) -> None:
        """Who has been idle longest takes work that can wait, if the rule of the service allows it."""
        if not self.callbacks and not self.mails:
            return
        for operator in self.idle:
            callback, mail = first_for(operator, self.callbacks), first_for(operator, self.mails)
            kind = next_work(0, len(self.idle), self.inputs.reserve, callback is not None, mail is not None)
            task = {"callback": callback, "email": mail}.get(kind or "")
            if task is not None:
                (self.mails if task is mail else self.callbacks).remove(task)
                self.idle.remove(operator)
                operator.wanted.succeed(task)
                return

    # people
    def seat_needed(self, operator: Operator) -> None:
        if self.seats_taken < self.inputs.seats:
            self.seats_taken += 1
            operator.seated = True
        else:
            self.without_seat.append(operator)

    def seat_left(self) -> None:
        self.seats_taken -= 1
        if self.without_seat:
            next_one = self.without_seat.pop(0)
            self.seats_taken += 1
            next_one.seated = True
            next_one.wanted.succeed()
        elif not self.seats_taken and self.inputs.empty_then_voicemail:
            self.clock.at(self.clock.now, kinds.EMPTIED).callbacks.append(lambda _: self.emptied())

    def emptied(self) -> None:
        """The last operator has left, and nobody came at the same instant: who waits is led to the voicemail."""
        while self.waiting and not self.seats_taken:
            turn = self.waiting.pop(0).turn
            assert turn is not None  # he waits
            turn.succeed(Outcome.VOICEMAIL_EMPTY)

    def no_longer_idle(self, operator: Operator) -> bool:
        """Takes him off the idle; whether he was one of them."""
        if operator not in self.idle:
            return False
        self.idle.remove(operator)
        return True

    def not_interruptible(self, operator: Operator) -> None:
        if operator in self.interruptible:
            self.interruptible.remove(operator)


def first_for(operator: Operator, tasks: Iterable[Task]) -> Task | None:
    return next((task for task in tasks if operator.may(task.topic)), None)


def caller(room: Room, entity: int) -> Process:
    """A person who calls, and perhaps calls again."""
    for attempt in range(room.inputs.attempts):
        call = Call(room, entity, attempt)
        room.calls.append(call)
        yield from reach(room, call)
        if call.outcome in (Outcome.ABANDONED, Outcome.BLOCKED) and attempt + 1 < room.inputs.attempts:
            again = call.left + float(room.inputs.redial_after[entity, attempt])
            if again < inf and is_open(room.inputs, again):
                yield room.clock.at(again, kinds.REDIAL)
                continue
        return


def reach(room: Room, call: Call) -> Process:
    """One attempt, from entering the queue to hanging up."""
    clock = room.clock
    if room.inputs.lines and room.lines_taken == room.inputs.lines:
        call.end(Outcome.BLOCKED, clock.now)
        return
    room.lines_taken += 1
    outcome = Outcome.ANSWERED
    if not room.answer(call):
        outcome = room.turned_away(call) or (yield from queue_up(room, call))
    call.end(outcome, clock.now + call.talk if outcome is Outcome.ANSWERED else clock.now)
    if outcome is Outcome.ANSWERED and room.inputs.lines:
        yield clock.at(call.left + room.inputs.survey.item(call.entity, call.attempt), kinds.TALK_END)
    room.lines_taken -= 1
    if outcome not in (Outcome.ANSWERED, Outcome.ABANDONED):
        room.voicemail(call)


def queue_up(room: Room, call: Call) -> Generator[simpy.Event, Any, Outcome]:
    """Wait for an operator, or until patience, the key or the longest wait ends it."""
    patience, key = (
        room.inputs.patience.item(call.entity, call.attempt),
        room.inputs.key_after.item(call.entity, call.attempt),
    )
    longest, reason = min(  # of equal ones the first, as the outcomes are numbered
        (patience, Outcome.ABANDONED),
        (key, Outcome.VOICEMAIL_KEY),
        (room.inputs.longest_wait, Outcome.VOICEMAIL_TIMEOUT),
    )
    turn = call.turn = simpy.Event(room.clock)
    insort(room.waiting, call, key=lambda one: -one.priority)
    if longest < inf:
        room.clock.at(call.entered + longest, kinds.LEAVE).callbacks.append(lambda _: room.hang_up(call, turn, reason))
    outcome: Outcome = yield turn
    return outcome


def is_open(inputs: Inputs, instant: float) -> bool:
    if not len(inputs.open_from):
        return True
    stretch = bisect_right(inputs.open_from, instant) - 1
    return stretch >= 0 and instant < inputs.open_until[stretch]


def street(room: Room) -> Process:
    """Brings the callers."""
    for entity, instant in enumerate(room.inputs.call_at.tolist()):
        yield room.clock.at(instant, kinds.CALL)
        room.clock.begin(caller(room, entity))


def night(room: Room) -> Process:
    """Brings those who call outside hours, and the messages that they leave."""
    given, first = room.inputs, len(room.inputs.call_at)
    for number, instant in enumerate(given.closed_at.tolist()):
        yield room.clock.at(instant, kinds.CLOSED_CALL)
        if given.closed_leaves_message[number]:
            work = float(given.closed_callback_work[number])
            room.call_back(first + number, 0, int(given.closed_topic[number]), work)


def mailbag(room: Room) -> Process:
    """Brings the e-mails."""
    works, topics = room.inputs.mail_work.tolist(), room.inputs.mail_topic.tolist()
    for entity, instant in enumerate(room.inputs.mail_at.tolist()):
        yield room.clock.at(instant, kinds.MAIL)
        task = Task(Work.EMAIL, entity, 0, topics[entity], instant, works[entity])
        room.tasks.append(task)
        room.mails.append(task)
        room.share_out()


def roster(room: Room) -> Process:
    """Tells the operators when shifts and breaks start and end; lateness and absence are in its times."""
    tell = {
        kinds.SHIFT_END: Operator.shift_ends,
        kinds.BREAK_START: Operator.break_starts,
        kinds.BREAK_END: Operator.break_ends,
        kinds.SHIFT_START: Operator.shift_starts,
    }
    plan = (room.inputs.event_at.tolist(), room.inputs.event_kind.tolist(), room.inputs.event_operator.tolist())
    for instant, kind, operator in zip(*plan, strict=True):
        yield room.clock.at(instant, kind)
        tell[kind](room.operators[operator])


@reduced_garbage_collection()
def simulate(inputs: Inputs) -> Records:
    """Run one period until nothing can happen any more, and return what did."""
    room = Room(inputs)
    room.clock.run()
    room.calls.sort(key=attrgetter("entity"))  # attempts of one caller are in order already
    room.tasks.sort(key=attrgetter("entity"))
    calls = np.array([call.row() for call in room.calls] + outside_hours(inputs), dtype=CALL)
    mails = [
        (task.arrived, task.started, task.ended, task.entity, task.operator, task.topic)
        for task in room.tasks
        if task.kind is Work.EMAIL
    ]
    callbacks = [
        (task.arrived, task.started, task.ended, task.entity, task.operator, task.attempt, task.topic)
        for task in room.tasks
        if task.kind is Work.CALLBACK
    ]
    work = [tuple(entry) for operator in room.operators for entry in operator.diary]
    mail_rows: Rows = np.array(mails, dtype=MAIL)
    return Records(
        calls=calls,
        mails=mail_rows,
        callbacks=np.array(callbacks, dtype=CALLBACK),
        work=np.array(work, dtype=WORK),
        second=second_level(inputs, calls, mail_rows),
    )


def outside_hours(inputs: Inputs) -> list[tuple[Any, ...]]:
    """The rows of those who met the voicemail outside hours: nothing happens to them, so they need no process."""
    given = (inputs.closed_at.tolist(), inputs.closed_topic.tolist(), inputs.closed_leaves_message.tolist())
    first = len(inputs.call_at)
    return [
        (at, 0.0, 0.0, 0.0, at, first + number, -1, 0, topic, 0, Outcome.VOICEMAIL_CLOSED, message)
        for number, (at, topic, message) in enumerate(zip(*given, strict=True))
    ]
