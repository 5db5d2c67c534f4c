"""The reference engine: the service as SimPy processes. Read this module to learn what the model does.

A **caller** calls, waits, is served or leaves, and may call again. An **operator** starts a shift, sits down, works,
takes breaks and goes home. The **contact centre** holds what they share: the queue, the idle operators, the seats, and
the work that can wait. Four processes supply it with callers, calls outside hours, e-mails, and the shift schedule.

Two rules make this engine and the compiled one (`kernel.py`) give the same record to the last bit. First, events are
scheduled at instants, never "so many seconds from now", which would round differently. Second, the order of events at
one instant is fixed: the SimPy priority of an event is its kind (`event_kinds`). Whatever an event causes at the same
instant (a grant, an interrupt: SimPy's priorities 0 and 1) is finished before the next event begins.
`docs/mechanisms.md` describes the rules in prose.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Generator, Iterable
from math import inf, nan
from operator import attrgetter
from typing import Any

import numpy as np
import simpy

from charter.work_assignment import next_work
from common.garbage_collection import reduced_garbage_collection
from queue_model.simulation import event_kinds
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.records import CALL_ROW, CALLBACK_ROW, MAIL_ROW, WORK_ROW, Outcome, Records, Rows, Work
from queue_model.simulation.reference_clock import Clock, Process
from queue_model.simulation.reference_work import Call, Task
from queue_model.simulation.second_level import second_level


class Operator:
    """A person who sits down, works, takes breaks and goes home, and comes back for the next shift."""

    def __init__(self, centre: ContactCentre, number: int, skills: int) -> None:
        self.centre, self.clock, self.number, self.skills = centre, centre.clock, number, skills
        self.on_shift = self.seated = self.on_break = self.break_due = False
        self.wake_up = simpy.Event(centre.clock)  # its value is a call or a task, or None: check what to do
        self.intervals: list[list[Any]] = []  # start, end, operator, reference, attempt, kind
        self.process = centre.clock.process(self.run())

    def can_take(self, topic: int) -> bool:
        return bool(self.skills >> topic & 1)

    @property
    def at_work(self) -> bool:
        return self.seated and self.on_shift and not self.on_break

    def run(self) -> Process:
        while True:
            yield from self.sit_down()
            seat = self.open_interval(Work.SEATED)
            while self.on_shift:
                if self.break_due:
                    yield from self.take_break()
                    continue
                work = self.centre.next_call(self) or (yield self.idle())
                while work is not None:
                    work = yield from self.work_on(work)
            self.close_interval(seat)
            self.seated = False
            self.centre.release_seat()

    def sit_down(self) -> Process:
        """Wait for the shift, then for a seat. If the shift ends first, wait for the next one."""
        while not self.seated:
            self.wake_up = simpy.Event(self.clock)
            if self.on_shift:
                self.centre.request_seat(self)
            if not self.seated:
                yield self.wake_up

    def idle(self) -> simpy.Event:
        """Become the last of the idle operators, ready for a call or for work that can wait."""
        self.wake_up = simpy.Event(self.clock)
        self.centre.idle.append(self)
        self.centre.assign_work()
        return self.wake_up

    def take_break(self) -> Process:
        self.on_break = True
        interval = self.open_interval(Work.BREAK)
        while self.break_due:
            self.wake_up = simpy.Event(self.clock)
            yield self.wake_up
        self.on_break = False
        self.close_interval(interval)

    def work_on(self, work: Call | Task) -> Generator[simpy.Event, Any, Call | None]:
        """Work to the end, whatever the schedule says. Returns the call that interrupted an e-mail, if any."""
        if isinstance(work, Task):
            return (yield from self.work_on_task(work))
        interval = self.open_interval(Work.CALL, work.entity, work.attempt)
        yield self.clock.at(self.clock.now + work.talk + work.wrap, event_kinds.WORK_END)
        self.close_interval(interval)
        return None

    def work_on_task(self, task: Task) -> Generator[simpy.Event, Any, Call | None]:
        centre, interval = self.centre, self.open_interval(task.kind, task.entity, task.attempt)
        if task.operator < 0:
            task.started = self.clock.now
        task.operator = self.number
        if centre.inputs.put_down and task.kind is Work.EMAIL:
            centre.interruptible.append(self)
        end, call = self.clock.now + task.remaining, None
        try:
            yield self.clock.at(end, event_kinds.WORK_END)
            task.ended = end
            centre.not_interruptible(self)
        except simpy.Interrupt as interrupt:
            call = interrupt.cause
            task.remaining = end - self.clock.now
            centre.mails.appendleft(task)
            centre.assign_work()  # an idle operator may be able to take the e-mail, though not the call
        self.close_interval(interval)
        return call

    def open_interval(self, kind: Work, reference: int = -1, attempt: int = 0) -> list[Any]:
        interval = [self.clock.now, nan, self.number, reference, attempt, kind]
        self.intervals.append(interval)
        return interval

    def close_interval(self, interval: list[Any]) -> None:
        interval[1] = self.clock.now

    # events of the schedule
    def shift_starts(self) -> None:
        self.on_shift = True
        if not self.seated:  # otherwise still finishing work of the shift before, and stays
            self.wake_up.succeed()

    def shift_ends(self) -> None:
        self.on_shift = self.break_due = False
        self.centre.not_interruptible(self)
        if self in self.centre.without_seat:
            self.centre.without_seat.remove(self)
        elif self.on_break or self.centre.remove_idle(self):
            self.wake_up.succeed()

    def break_starts(self) -> None:
        if self.on_shift:
            self.break_due = True
            self.centre.not_interruptible(self)
            if self.centre.remove_idle(self):
                self.wake_up.succeed()

    def break_ends(self) -> None:
        self.break_due = False
        if self.on_break:
            self.wake_up.succeed()


class ContactCentre:
    """What callers and operators share: waiting calls, idle operators, work that can wait, seats and lines."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.clock = inputs, Clock()
        self.topic, self.priority = inputs.call_topic.tolist(), inputs.call_priority.tolist()
        self.talk, self.wrap = inputs.talk.tolist(), inputs.wrap.tolist()
        self.waiting: list[Call] = []  # in the order in which they are served
        self.idle: list[Operator] = []  # longest idle first
        self.interruptible: list[Operator] = []  # working on an e-mail that they put down for a call; latest last
        self.without_seat: list[Operator] = []
        self.seats_taken = self.lines_taken = 0
        self.callbacks: deque[Task] = deque()
        self.mails: deque[Task] = deque()
        # everything that happened, for the records
        self.calls: list[Call] = []
        self.tasks: list[Task] = []
        self.operators = [Operator(self, number, skills) for number, skills in enumerate(inputs.skills.tolist())]
        for process in (
            callers_arrive(self),
            calls_outside_hours_arrive(self),
            mails_arrive(self),
            follow_schedule(self),
        ):
            self.clock.process(process)

    # calls
    def answer(self, call: Call) -> bool:
        """Assign a call to the longest idle operator, else to the one who began an e-mail last and puts it down."""
        for operator in self.idle:
            if operator.can_take(call.topic):
                self.idle.remove(operator)
                self.connect(call, operator)
                operator.wake_up.succeed(call)
                return True
        for operator in reversed(self.interruptible):
            if operator.can_take(call.topic):
                self.interruptible.remove(operator)
                self.connect(call, operator)
                operator.process.interrupt(call)
                return True
        return False

    def connect(self, call: Call, operator: Operator) -> None:
        call.operator, call.wait = operator.number, self.clock.now - call.entered
        call.talk, call.wrap = self.talk[call.entity][call.attempt], self.wrap[call.entity][call.attempt]
        if call.wait_over is not None:
            call.wait_over.succeed(Outcome.ANSWERED)

    def refuse_to_queue(self, call: Call) -> Outcome | None:
        """Why a call that no operator can take does not wait; None if it waits."""
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

    def next_call(self, operator: Operator) -> Call | None:
        """Connect the operator with the first waiting call that they can take."""
        for call in self.waiting:
            if operator.can_take(call.topic):
                self.waiting.remove(call)
                self.connect(call, operator)
                return call
        return None

    def end_wait(self, call: Call, wait_over: simpy.Event, reason: Outcome) -> None:
        """The caller leaves the queue, unless the wait is over already."""
        if not wait_over.triggered:
            self.waiting.remove(call)
            wait_over.succeed(reason)

    def go_to_voicemail(self, call: Call) -> None:
        if self.inputs.leaves_message[call.entity, call.attempt]:
            call.message = True
            work = float(self.inputs.callback_work[call.entity, call.attempt])
            self.add_callback(call.entity, call.attempt, call.topic, work)

    # work that can wait
    def add_callback(self, entity: int, attempt: int, topic: int, work: float) -> None:
        task = Task(Work.CALLBACK, entity, attempt, topic, self.clock.now, work)
        self.tasks.append(task)
        self.callbacks.append(task)
        self.assign_work()

    def assign_work(self) -> None:
        """Give work that can wait to the longest idle operator, if the rule of the service allows it."""
        if not self.callbacks and not self.mails:
            return
        for operator in self.idle:
            callback, mail = first_task(operator, self.callbacks), first_task(operator, self.mails)
            kind = next_work(0, len(self.idle), self.inputs.reserve, callback is not None, mail is not None)
            task = {"callback": callback, "email": mail}.get(kind or "")
            if task is not None:
                (self.mails if task is mail else self.callbacks).remove(task)
                self.idle.remove(operator)
                operator.wake_up.succeed(task)
                return

    # operators
    def request_seat(self, operator: Operator) -> None:
        if self.seats_taken < self.inputs.seats:
            self.seats_taken += 1
            operator.seated = True
        else:
            self.without_seat.append(operator)

    def release_seat(self) -> None:
        self.seats_taken -= 1
        if self.without_seat:
            next_one = self.without_seat.pop(0)
            self.seats_taken += 1
            next_one.seated = True
            next_one.wake_up.succeed()
        elif not self.seats_taken and self.inputs.empty_then_voicemail:
            event = self.clock.at(self.clock.now, event_kinds.NOBODY_SEATED)
            event.callbacks.append(lambda _: self.send_all_to_voicemail())

    def send_all_to_voicemail(self) -> None:
        """End all waits, if the last operator has left and none sat down at the same instant."""
        while self.waiting and not self.seats_taken:
            wait_over = self.waiting.pop(0).wait_over
            assert wait_over is not None  # the call waits
            wait_over.succeed(Outcome.VOICEMAIL_EMPTY)

    def remove_idle(self, operator: Operator) -> bool:
        """Remove an operator from the idle ones. Returns whether the operator was idle."""
        if operator not in self.idle:
            return False
        self.idle.remove(operator)
        return True

    def not_interruptible(self, operator: Operator) -> None:
        if operator in self.interruptible:
            self.interruptible.remove(operator)


def first_task(operator: Operator, tasks: Iterable[Task]) -> Task | None:
    """The first task that the operator can take."""
    return next((task for task in tasks if operator.can_take(task.topic)), None)


def caller(centre: ContactCentre, entity: int) -> Process:
    """A person who calls, and perhaps calls again."""
    for attempt in range(centre.inputs.attempts):
        call = Call(entity, attempt, centre.topic[entity], centre.priority[entity], centre.clock.now)
        centre.calls.append(call)
        yield from make_call(centre, call)
        if call.outcome in (Outcome.ABANDONED, Outcome.BLOCKED) and attempt + 1 < centre.inputs.attempts:
            again = call.left + float(centre.inputs.redial_after[entity, attempt])
            if again < inf and is_open(centre.inputs, again):
                yield centre.clock.at(again, event_kinds.REDIAL)
                continue
        return


def make_call(centre: ContactCentre, call: Call) -> Process:
    """One attempt, from entering the queue to hanging up."""
    clock = centre.clock
    if centre.inputs.lines and centre.lines_taken == centre.inputs.lines:
        call.end(Outcome.BLOCKED, clock.now)
        return
    centre.lines_taken += 1
    outcome = Outcome.ANSWERED
    if not centre.answer(call):
        outcome = centre.refuse_to_queue(call) or (yield from wait_in_queue(centre, call))
    call.end(outcome, clock.now + call.talk if outcome is Outcome.ANSWERED else clock.now)
    if outcome is Outcome.ANSWERED and centre.inputs.lines:
        yield clock.at(call.left + centre.inputs.survey.item(call.entity, call.attempt), event_kinds.TALK_END)
    centre.lines_taken -= 1
    if outcome not in (Outcome.ANSWERED, Outcome.ABANDONED):
        centre.go_to_voicemail(call)


def wait_in_queue(centre: ContactCentre, call: Call) -> Generator[simpy.Event, Any, Outcome]:
    """Wait for an operator, until patience, the key or the longest wait ends the wait."""
    inputs = centre.inputs
    longest, reason = min(  # of equal times the first, in the order of the outcomes' numbers
        (inputs.patience.item(call.entity, call.attempt), Outcome.ABANDONED),
        (inputs.key_after.item(call.entity, call.attempt), Outcome.VOICEMAIL_KEY),
        (inputs.longest_wait, Outcome.VOICEMAIL_TIMEOUT),
    )
    wait_over = call.wait_over = simpy.Event(centre.clock)
    insort(centre.waiting, call, key=lambda waiting: -waiting.priority)
    if longest < inf:
        leave = centre.clock.at(call.entered + longest, event_kinds.LEAVE)
        leave.callbacks.append(lambda _: centre.end_wait(call, wait_over, reason))
    outcome: Outcome = yield wait_over
    return outcome


def is_open(inputs: Inputs, instant: float) -> bool:
    if not len(inputs.open_from):
        return True
    interval = bisect_right(inputs.open_from, instant) - 1
    return interval >= 0 and instant < inputs.open_until[interval]


def callers_arrive(centre: ContactCentre) -> Process:
    """Start a caller at each instant of a first call."""
    for entity, instant in enumerate(centre.inputs.call_at.tolist()):
        yield centre.clock.at(instant, event_kinds.CALL)
        centre.clock.start_now(caller(centre, entity))


def calls_outside_hours_arrive(centre: ContactCentre) -> Process:
    """Queue a call-back for each message that is left outside hours."""
    inputs, first = centre.inputs, len(centre.inputs.call_at)
    for number, instant in enumerate(inputs.closed_at.tolist()):
        yield centre.clock.at(instant, event_kinds.CLOSED_CALL)
        if inputs.closed_leaves_message[number]:
            work = float(inputs.closed_callback_work[number])
            centre.add_callback(first + number, 0, int(inputs.closed_topic[number]), work)


def mails_arrive(centre: ContactCentre) -> Process:
    """Queue each e-mail when it arrives."""
    works, topics = centre.inputs.mail_work.tolist(), centre.inputs.mail_topic.tolist()
    for entity, instant in enumerate(centre.inputs.mail_at.tolist()):
        yield centre.clock.at(instant, event_kinds.MAIL)
        task = Task(Work.EMAIL, entity, 0, topics[entity], instant, works[entity])
        centre.tasks.append(task)
        centre.mails.append(task)
        centre.assign_work()


def follow_schedule(centre: ContactCentre) -> Process:
    """Start and end shifts and breaks. The schedule's instants include lateness and absence."""
    actions = {
        event_kinds.SHIFT_END: Operator.shift_ends,
        event_kinds.BREAK_START: Operator.break_starts,
        event_kinds.BREAK_END: Operator.break_ends,
        event_kinds.SHIFT_START: Operator.shift_starts,
    }
    inputs = centre.inputs
    schedule = (inputs.event_at.tolist(), inputs.event_kind.tolist(), inputs.event_operator.tolist())
    for instant, kind, operator in zip(*schedule, strict=True):
        yield centre.clock.at(instant, kind)
        actions[kind](centre.operators[operator])


@reduced_garbage_collection()
def simulate(inputs: Inputs) -> Records:
    """Run one period until no event is left, and return its record."""
    centre = ContactCentre(inputs)
    centre.clock.run()
    centre.calls.sort(key=attrgetter("entity"))  # the attempts of one caller are in order already
    centre.tasks.sort(key=attrgetter("entity"))
    calls = np.array([call.row() for call in centre.calls] + rows_outside_hours(inputs), dtype=CALL_ROW)
    mails: Rows = np.array([task.row() for task in centre.tasks if task.kind is Work.EMAIL], dtype=MAIL_ROW)
    callbacks = [task.row() for task in centre.tasks if task.kind is Work.CALLBACK]
    work = [tuple(interval) for operator in centre.operators for interval in operator.intervals]
    return Records(
        calls=calls,
        mails=mails,
        callbacks=np.array(callbacks, dtype=CALLBACK_ROW),
        work=np.array(work, dtype=WORK_ROW),
        second=second_level(inputs, calls, mails),
    )


def rows_outside_hours(inputs: Inputs) -> list[tuple[Any, ...]]:
    """The rows of calls outside hours. They go straight to the voicemail, so they need no process."""
    columns = (inputs.closed_at.tolist(), inputs.closed_topic.tolist(), inputs.closed_leaves_message.tolist())
    first = len(inputs.call_at)
    return [
        (at, 0.0, 0.0, 0.0, at, first + number, -1, 0, topic, 0, Outcome.VOICEMAIL_CLOSED, message)
        for number, (at, topic, message) in enumerate(zip(*columns, strict=True))
    ]
