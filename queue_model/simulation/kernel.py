# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled engine: the rules of `reference.py` on arrays, in plain Python that Cython compiles at install.

`reference.py` is the specification. Tests compare the records of both bit for bit, with this source compiled and not.

What is known beforehand (calls, e-mails, calls outside hours, the schedule) is read in order with one index each. What
results from it (ends of work, callers who leave, redials) is in one binary heap. Waiting callers by class, waiting
e-mails and call-backs, and idle operators are in linked lists over their numbers, so that removing one from the middle
takes constant time. The heap may contain outdated entries: an entry is valid only if its sequence number is the one
that its operator or caller has stored. The loop releases the interpreter lock (`nogil`), so threads run in parallel.

All of this is one module, because Cython calls the methods of a class directly only within its module. Across modules
it needs a second file of declarations, and the calls go through pointers (docs/decisions/0006-cython-kernel.md).
"""

from __future__ import annotations

import cython
import numpy as np

from queue_model.simulation import event_kinds, kernel_setup
from queue_model.simulation.inputs import Floats, Inputs
from queue_model.simulation.kernel_setup import BlankRows, all_calls, is_plain
from queue_model.simulation.records import Outcome, Records, Rows, Work, as_table, take_rows
from queue_model.simulation.second_level import second_level

compiled: bool = cython.compiled

# C integers, for speed; the numbers are those of `event_kinds` and `records`
TALK_END = cython.declare(cython.int, event_kinds.TALK_END)
WORK_END = cython.declare(cython.int, event_kinds.WORK_END)
SHIFT_END = cython.declare(cython.int, event_kinds.SHIFT_END)
BREAK_START = cython.declare(cython.int, event_kinds.BREAK_START)
BREAK_END = cython.declare(cython.int, event_kinds.BREAK_END)
SHIFT_START = cython.declare(cython.int, event_kinds.SHIFT_START)
NOBODY_SEATED = cython.declare(cython.int, event_kinds.NOBODY_SEATED)
LEAVE = cython.declare(cython.int, event_kinds.LEAVE)
REDIAL = cython.declare(cython.int, event_kinds.REDIAL)
CALL = cython.declare(cython.int, event_kinds.CALL)
CLOSED_CALL = cython.declare(cython.int, event_kinds.CLOSED_CALL)
MAIL = cython.declare(cython.int, event_kinds.MAIL)
ANSWERED = cython.declare(cython.int, int(Outcome.ANSWERED))
ABANDONED = cython.declare(cython.int, int(Outcome.ABANDONED))
VOICEMAIL_KEY = cython.declare(cython.int, int(Outcome.VOICEMAIL_KEY))
VOICEMAIL_TIMEOUT = cython.declare(cython.int, int(Outcome.VOICEMAIL_TIMEOUT))
VOICEMAIL_EMPTY = cython.declare(cython.int, int(Outcome.VOICEMAIL_EMPTY))
VOICEMAIL_FULL = cython.declare(cython.int, int(Outcome.VOICEMAIL_FULL))
VOICEMAIL_BUSY = cython.declare(cython.int, int(Outcome.VOICEMAIL_BUSY))
BLOCKED = cython.declare(cython.int, int(Outcome.BLOCKED))
WAITING = cython.declare(cython.int, int(Outcome.WAITING))
ON_CALL = cython.declare(cython.int, int(Work.CALL))
ON_CALLBACK = cython.declare(cython.int, int(Work.CALLBACK))
ON_EMAIL = cython.declare(cython.int, int(Work.EMAIL))
ON_BREAK = cython.declare(cython.int, int(Work.BREAK))
SEATED = cython.declare(cython.int, int(Work.SEATED))
NO_ACTIVITY = cython.declare(cython.int, -1)

# lists of operators; each operator is in one at most
IDLE = cython.declare(cython.int, 0)
INTERRUPTIBLE = cython.declare(cython.int, 1)
WITHOUT_SEAT = cython.declare(cython.int, 2)
NO_LIST = cython.declare(cython.int, -1)

FEW = cython.declare(cython.int, 48)  # up to so many operators, a sorted array is faster than a heap
DRIFT = cython.declare(cython.int, 512)  # how far this array moves through memory before it is copied back

NAN = cython.declare(cython.double, float("nan"))
INF = cython.declare(cython.double, float("inf"))


@cython.final
@cython.cclass
class Agenda:
    """Future events: a binary heap by instant, kind and order of insertion."""

    at: cython.double[::1]
    key: cython.longlong[::1]  # kind << 48 | sequence
    who: cython.int[::1]
    head: cython.int  # place of the first entry; always 0 for a heap
    size: cython.int
    sequence: cython.longlong

    def __init__(self, capacity: int) -> None:
        capacity = max(capacity, DRIFT)
        self.at = np.empty(capacity)
        self.key = np.empty(capacity, dtype=np.int64)
        self.who = np.empty(capacity, dtype=np.int32)
        self.head = 0
        self.size = 0
        self.sequence = 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def add(self, at: cython.double, kind: cython.int, who: cython.int) -> cython.longlong:
        """Returns the sequence number of the entry: 1, 2, ..."""
        self.sequence += 1
        key: cython.longlong = (cython.cast(cython.longlong, kind) << 48) | self.sequence
        place: cython.int = self.size
        self.size += 1
        while place > 0:
            above: cython.int = (place - 1) >> 1
            if self.at[above] < at or (self.at[above] == at and self.key[above] < key):
                break
            self.at[place] = self.at[above]
            self.key[place] = self.key[above]
            self.who[place] = self.who[above]
            place = above
        self.at[place] = at
        self.key[place] = key
        self.who[place] = who
        return self.sequence

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def drop_first(self) -> cython.void:
        self.size -= 1
        self.sift(self.at[self.size], self.key[self.size], self.who[self.size])

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def replace_first(self, at: cython.double, kind: cython.int, who: cython.int) -> cython.void:
        """`drop_first` and `add` in one."""
        self.sequence += 1
        self.sift(at, (cython.cast(cython.longlong, kind) << 48) | self.sequence, who)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def replace_first_of_few(self, at: cython.double, who: cython.int) -> cython.void:
        """The same for entries of one kind that are sorted from `head` on, and remain so.

        With few entries this is faster than sifting, since the new end of work is usually among the latest.
        """
        place: cython.int = self.head + self.size
        if place < DRIFT:
            self.head += 1
        else:
            place = self.size - 1
            entry: cython.int
            for entry in range(place):
                self.at[entry] = self.at[self.head + 1 + entry]
                self.who[entry] = self.who[self.head + 1 + entry]
            self.head = 0
        while place > self.head and self.at[place - 1] > at:  # the newest of equal entries is last
            self.at[place] = self.at[place - 1]
            self.who[place] = self.who[place - 1]
            place -= 1
        self.at[place] = at
        self.who[place] = who

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def sift(self, at: cython.double, key: cython.longlong, who: cython.int) -> cython.void:
        """Insert this entry into the heap, whose first place is empty."""
        place: cython.int = 0
        below: cython.int = 1
        while below < self.size:
            # Added instead of branched upon, because the branch could not be predicted.
            other: cython.int = below + 1 if below + 1 < self.size else below
            if self.at[other] == self.at[below]:
                below += self.key[other] < self.key[below]
            else:
                below += self.at[other] < self.at[below]
            if at < self.at[below] or (at == self.at[below] and key < self.key[below]):
                break
            self.at[place] = self.at[below]
            self.key[place] = self.key[below]
            self.who[place] = self.who[below]
            place = below
            below = 2 * place + 1
        self.at[place] = at
        self.key[place] = key
        self.who[place] = who


@cython.final
@cython.cclass
class LinkedLists:
    """Several doubly linked lists of numbers; each number is in one list at most; -1 = none."""

    first: cython.int[::1]
    last: cython.int[::1]
    next: cython.int[::1]
    previous: cython.int[::1]

    def __init__(self, lists: int, numbers: int) -> None:
        self.first = np.full(lists, -1, dtype=np.int32)
        self.last = np.full(lists, -1, dtype=np.int32)
        self.next = np.empty(numbers, dtype=np.int32)
        self.previous = np.empty(numbers, dtype=np.int32)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def append(self, which: cython.int, number: cython.int) -> cython.void:
        before: cython.int = self.last[which]
        self.next[number] = -1
        self.previous[number] = before
        self.last[which] = number
        if before < 0:
            self.first[which] = number
        else:
            self.next[before] = number

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def put_first(self, which: cython.int, number: cython.int) -> cython.void:
        after: cython.int = self.first[which]
        self.next[number] = after
        self.previous[number] = -1
        self.first[which] = number
        if after < 0:
            self.last[which] = number
        else:
            self.previous[after] = number

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def remove(self, which: cython.int, number: cython.int) -> cython.void:
        before: cython.int = self.previous[number]
        after: cython.int = self.next[number]
        if before < 0:
            self.first[which] = after
        else:
            self.next[before] = after
        if after < 0:
            self.last[which] = before
        else:
            self.previous[after] = before


@cython.final
@cython.cclass
class ContactCentre:
    """The state of the simulated service and its rules. Names are those of `reference.py` where possible."""

    # policy
    seats: cython.longlong
    longest_wait: cython.double
    longest_queue: cython.longlong
    busy_then_voicemail: cython.bint
    empty_then_voicemail: cython.bint
    lines: cython.longlong
    reserve: cython.longlong
    put_down: cython.bint
    announced: cython.bint
    mean_handle: cython.double
    attempts: cython.int
    open_from: cython.const[cython.double][:]
    open_until: cython.const[cython.double][:]
    # calls
    call_at: cython.const[cython.double][:]
    call_topic: cython.const[cython.short][:]
    call_priority: cython.const[cython.short][:]
    patience: cython.const[cython.double][:, :]
    key_after: cython.const[cython.double][:, :]
    talk: cython.const[cython.double][:, :]
    wrap: cython.const[cython.double][:, :]
    survey: cython.const[cython.double][:, :]
    redial_after: cython.const[cython.double][:, :]
    tolerance: cython.const[cython.double][:, :]
    leaves_message: cython.const[cython.uchar][:, :]
    callback_work: cython.const[cython.double][:, :]
    # other arrivals, and the schedule
    closed_at: cython.const[cython.double][:]
    closed_topic: cython.const[cython.short][:]
    closed_leaves_message: cython.const[cython.uchar][:]
    closed_callback_work: cython.const[cython.double][:]
    mail_at: cython.const[cython.double][:]
    mail_topic: cython.const[cython.short][:]
    event_at: cython.const[cython.double][:]
    event_kind: cython.const[cython.uchar][:]
    event_operator: cython.const[cython.int][:]
    # groups of topics that the same operators can take
    groups: cython.int
    group_of: cython.int[::1]
    can_take: cython.uchar[:, ::1]
    ranks: cython.int
    rank_of: cython.int[::1]
    lowest_priority: cython.int
    # what waits; callers of one rank and one group are a class
    agenda: Agenda
    callers: LinkedLists
    waiting: cython.longlong
    waiting_in: cython.int[::1]  # per rank
    entry: cython.longlong[::1]  # per caller: number in the order of entry
    entries: cython.longlong
    leaving: cython.longlong[::1]  # per caller: sequence number of the valid LEAVE, 0 = none
    row_of: cython.int[::1]  # per caller: row of the current attempt
    callbacks: LinkedLists
    callbacks_waiting: cython.int
    mails: LinkedLists
    mails_waiting: cython.int
    mail_order: cython.longlong[::1]
    mails_put_down: cython.longlong
    remaining: cython.double[::1]
    on_calls: cython.longlong  # operators who talk or wrap up
    surveyed: cython.longlong  # lines in a survey, or with a survey after the talk
    # operators
    people: LinkedLists
    idle: cython.int
    seats_taken: cython.longlong
    emptying_scheduled: cython.bint  # NOBODY_SEATED is on the agenda
    at_work: cython.int
    on_shift: cython.uchar[::1]
    on_break: cython.uchar[::1]
    break_due: cython.uchar[::1]
    seated: cython.uchar[::1]
    list_of: cython.int[::1]  # per operator: list in `people`
    activity: cython.int[::1]
    task: cython.int[::1]
    task_row: cython.int[::1]
    task_end: cython.double[::1]
    talk_end: cython.double[::1]
    ending: cython.longlong[::1]  # per operator: sequence number of the valid WORK_END
    seat_row: cython.int[::1]
    # records
    call_rows = cython.declare(cython.int, visibility="readonly")
    call_times: cython.double[:, ::1]  # entered, wait, talk, wrap, left
    call_numbers: cython.int[:, ::1]  # at 10: entity, operator
    call_shorts: cython.short[:, ::1]  # at 24: attempt, topic, priority
    call_bytes: cython.uchar[:, ::1]  # at 54: outcome, message
    mail_started: cython.double[:]
    mail_ended: cython.double[:]
    mail_operator: cython.int[:]
    callback_rows = cython.declare(cython.int, visibility="readonly")
    callback_created: cython.double[:]
    callback_started: cython.double[:]
    callback_ended: cython.double[:]
    callback_entity: cython.int[:]
    callback_operator: cython.int[:]
    callback_attempt: cython.int[:]
    callback_topic: cython.int[:]
    work_rows = cython.declare(cython.int, visibility="readonly")
    work_times: cython.double[:, ::1]  # start, end
    work_numbers: cython.int[:, ::1]  # at 4: operator, reference, attempt, kind

    def __init__(self, inputs: Inputs, blank: BlankRows) -> None:
        self.read_policy(inputs)
        self.read_streams(inputs)
        self.read_classes(inputs)
        self.make_state(inputs, blank.attempts)
        self.write_to(blank)

    def read_policy(self, inputs: Inputs) -> None:
        self.seats = inputs.seats
        self.longest_wait = inputs.longest_wait
        self.longest_queue = inputs.longest_queue
        self.busy_then_voicemail = inputs.busy_then_voicemail
        self.empty_then_voicemail = inputs.empty_then_voicemail
        self.lines = inputs.lines
        self.reserve = inputs.reserve
        self.put_down = inputs.put_down
        self.announced = inputs.announced
        self.mean_handle = inputs.mean_handle
        self.attempts = inputs.attempts
        self.open_from = inputs.open_from
        self.open_until = inputs.open_until

    def read_streams(self, inputs: Inputs) -> None:
        self.call_at = inputs.call_at
        self.call_topic = inputs.call_topic
        self.call_priority = inputs.call_priority
        self.patience = inputs.patience
        self.key_after = inputs.key_after
        self.talk = inputs.talk
        self.wrap = inputs.wrap
        self.survey = inputs.survey
        self.redial_after = inputs.redial_after
        self.tolerance = inputs.tolerance
        self.leaves_message = inputs.leaves_message.view(np.uint8)
        self.callback_work = inputs.callback_work
        self.closed_at = inputs.closed_at
        self.closed_topic = inputs.closed_topic
        self.closed_leaves_message = inputs.closed_leaves_message.view(np.uint8)
        self.closed_callback_work = inputs.closed_callback_work
        self.mail_at = inputs.mail_at
        self.mail_topic = inputs.mail_topic
        self.event_at = inputs.event_at
        self.event_kind = inputs.event_kind
        self.event_operator = inputs.event_operator

    def read_classes(self, inputs: Inputs) -> None:
        self.group_of, self.can_take = kernel_setup.groups(inputs)
        self.groups = self.can_take.shape[1]
        self.rank_of, self.lowest_priority = kernel_setup.ranks(inputs)
        self.ranks = int(np.max(self.rank_of)) + 1

    def make_state(self, inputs: Inputs, attempts: int) -> None:
        calls, mails, people = len(inputs.call_at), len(inputs.mail_at), inputs.n_operators
        # Per attempt: leaving, a redial or an interrupted e-mail, a survey. Per operator: an end of work. And two more.
        self.agenda = Agenda(3 * attempts + people + 2)
        self.callers = LinkedLists(self.ranks * self.groups, calls)
        self.waiting = 0
        self.waiting_in = np.zeros(self.ranks, dtype=np.int32)
        self.entry = np.empty(calls, dtype=np.int64)
        self.entries = 0
        self.leaving = np.empty(calls, dtype=np.int64)
        self.row_of = np.empty(calls, dtype=np.int32)
        self.callbacks = LinkedLists(self.groups, calls + len(inputs.closed_at))
        self.callbacks_waiting = 0
        self.mails = LinkedLists(self.groups, mails)
        self.mails_waiting = 0
        self.mail_order = np.arange(mails, dtype=np.int64)
        self.mails_put_down = 0
        self.remaining = inputs.mail_work.copy()
        self.on_calls = 0
        self.surveyed = 0
        self.people = LinkedLists(3, people)
        self.idle = 0
        self.seats_taken = 0
        self.emptying_scheduled = False
        self.at_work = 0
        self.on_shift = np.zeros(people, dtype=np.uint8)
        self.on_break = np.zeros(people, dtype=np.uint8)
        self.break_due = np.zeros(people, dtype=np.uint8)
        self.seated = np.zeros(people, dtype=np.uint8)
        self.list_of = np.full(people, NO_LIST, dtype=np.int32)
        self.activity = np.full(people, NO_ACTIVITY, dtype=np.int32)
        self.task = np.empty(people, dtype=np.int32)
        self.task_row = np.empty(people, dtype=np.int32)
        self.task_end = np.empty(people)
        self.talk_end = np.empty(people)
        self.ending = np.zeros(people, dtype=np.int64)
        self.seat_row = np.empty(people, dtype=np.int32)

    def write_to(self, blank: BlankRows) -> None:
        calls, mails, callbacks, work = blank.calls, blank.mails, blank.callbacks, blank.work
        self.call_rows = len(self.call_at)  # a first attempt has the row of its caller; redials follow
        # tables of numbers of one type: the fields of a row are adjacent, so one address reaches them all
        self.call_times, self.call_numbers = as_table(calls, np.float64), as_table(calls, np.int32)
        self.call_shorts, self.call_bytes = as_table(calls, np.int16), as_table(calls, np.uint8)
        self.mail_started, self.mail_ended, self.mail_operator = mails["started"], mails["ended"], mails["operator"]
        self.callback_rows = 0
        self.callback_created, self.callback_started = callbacks["created"], callbacks["started"]
        self.callback_ended, self.callback_entity = callbacks["ended"], callbacks["entity"]
        self.callback_operator, self.callback_attempt = callbacks["operator"], callbacks["attempt"]
        self.callback_topic = callbacks["topic"]
        self.work_rows = 0
        self.work_times, self.work_numbers = as_table(work, np.float64), as_table(work, np.int32)

    def run(self, plain: bool = False) -> None:
        """Run until no event is left. `plain` (see `kernel_setup.is_plain`): use a faster loop with the same record."""
        short: cython.bint = plain
        with cython.nogil:
            if short:
                self.run_plain()
            else:
                self.run_events()

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def run_plain(self) -> cython.void:
        """First come, first served, by operators who are always there: the end of each call is known when it enters.

        The agenda holds the instant at which each operator became or becomes free. Its first entry is the longest idle
        operator or, if none is idle, the one who serves this call unless the caller leaves earlier. Later calls cannot
        change this. With a second class, a limit of the queue or a break they could.
        """
        event: cython.int
        call: cython.int
        few: cython.bint = self.event_at.shape[0] <= FEW
        for event in range(self.event_at.shape[0]):
            who: cython.int = self.event_operator[event]
            self.write_work(who, SEATED, -1, 0, self.event_at[event], NAN)
            self.agenda.add(self.event_at[event], WORK_END, who)
        for call in range(self.call_at.shape[0]):
            now: cython.double = self.call_at[call]
            self.write_call(call, call, 0, now)
            longest: cython.double = self.patience[call, 0]
            if self.key_after[call, 0] < longest:
                longest = self.key_after[call, 0]
            if self.longest_wait < longest:
                longest = self.longest_wait
            free: cython.double = self.agenda.at[self.agenda.head]
            if free <= now or free <= now + longest:
                if free < now:
                    free = now
                operator: cython.int = self.agenda.who[self.agenda.head]
                left: cython.double = free + self.talk[call, 0]
                end: cython.double = left + self.wrap[call, 0]
                self.write_answered(operator, call, 0, call, free, left)
                self.write_work(operator, ON_CALL, call, 0, free, end)
                if few:
                    self.agenda.replace_first_of_few(end, operator)
                else:
                    self.agenda.replace_first(end, WORK_END, operator)
            else:
                self.write_unanswered(call, self.reason(call, 0), now + longest)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def run_events(self) -> cython.void:
        """Handle the next event of all sources, in the order of `event_kinds` at ties, until none is left."""
        call: cython.int = 0
        mail: cython.int = 0
        closed: cython.int = 0
        event: cython.int = 0
        calls: cython.int = self.call_at.shape[0]
        mails: cython.int = self.mail_at.shape[0]
        closes: cython.int = self.closed_at.shape[0]
        events: cython.int = self.event_at.shape[0]
        next_call: cython.double = self.call_at[0] if calls > 0 else INF
        next_mail: cython.double = self.mail_at[0] if mails > 0 else INF
        next_closed: cython.double = self.closed_at[0] if closes > 0 else INF
        next_event: cython.double = self.event_at[0] if events > 0 else INF
        now: cython.double
        kind: cython.int
        while True:
            now = next_mail
            kind = MAIL
            if next_closed <= now:
                now = next_closed
                kind = CLOSED_CALL
            if next_call <= now:
                now = next_call
                kind = CALL
            if next_event <= now:
                now = next_event
                kind = self.event_kind[event] if event < events else kind
            if self.agenda.size > 0 and self.agenda.at[0] <= now:
                first: cython.int = cython.cast(cython.int, self.agenda.key[0] >> 48)
                if self.agenda.at[0] < now or first < kind:
                    self.handle_first(first)
                    continue
            if now == INF:
                return
            if kind == CALL:
                self.enter(call, 0, call, now)
                call += 1
                next_call = self.call_at[call] if call < calls else INF
            elif kind == MAIL:
                self.mails.append(self.group_of[self.mail_topic[mail]], mail)
                self.mails_waiting += 1
                self.assign_work(now)
                mail += 1
                next_mail = self.mail_at[mail] if mail < mails else INF
            elif kind == CLOSED_CALL:
                if self.closed_leaves_message[closed]:
                    self.add_callback(calls + closed, 0, self.closed_topic[closed], now)
                closed += 1
                next_closed = self.closed_at[closed] if closed < closes else INF
            else:
                self.apply_schedule(kind, self.event_operator[event], now)
                event += 1
                next_event = self.event_at[event] if event < events else INF

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def handle_first(self, kind: cython.int) -> cython.void:
        """Remove the first entry of the agenda, which is of this kind, and handle it."""
        now: cython.double = self.agenda.at[0]
        who: cython.int = self.agenda.who[0]
        sequence: cython.longlong = self.agenda.key[0] - (cython.cast(cython.longlong, kind) << 48)
        self.agenda.drop_first()
        if kind == WORK_END:
            if sequence == self.ending[who]:  # otherwise the e-mail was put down
                self.work_ends(who, now)
        elif kind == TALK_END:
            self.surveyed -= 1
        elif kind == NOBODY_SEATED:
            self.send_all_to_voicemail(now)
        elif kind == LEAVE:
            if sequence == self.leaving[who]:  # otherwise the call was answered
                self.leave(who, now)
        else:  # a redial
            row: cython.int = self.call_rows
            self.call_rows += 1
            self.enter(who, self.call_shorts[self.row_of[who], 24] + 1, row, now)

    # calls
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def enter(self, call: cython.int, attempt: cython.int, row: cython.int, now: cython.double) -> cython.void:
        self.write_call(row, call, attempt, now)
        if self.lines > 0 and not self.has_free_line(now):
            self.write_unanswered(row, BLOCKED, now)
            self.redial(call, attempt, row, now)
            return
        group: cython.int = self.group_of[self.call_topic[call]]
        operator: cython.int = self.people.first[IDLE]
        while operator >= 0 and not self.can_take[operator, group]:
            operator = self.people.next[operator]
        if operator >= 0:
            self.leave_list(operator)
            self.answer(operator, call, attempt, row, now)
            return
        operator = self.people.last[INTERRUPTIBLE]
        while operator >= 0 and not self.can_take[operator, group]:
            operator = self.people.previous[operator]
        if operator >= 0:
            self.put_down_mail(operator, now)
            self.answer(operator, call, attempt, row, now)
            self.assign_work(now)
            return
        if self.busy_then_voicemail or (self.empty_then_voicemail and self.seats_taken == 0):
            self.go_to_voicemail(call, attempt, row, VOICEMAIL_BUSY, now)
        elif self.waiting >= self.longest_queue:
            self.go_to_voicemail(call, attempt, row, VOICEMAIL_FULL, now)
        elif self.announced and self.expected_wait() > self.tolerance[call, attempt]:
            self.abandon(call, attempt, row, now)
        else:
            self.wait_in_queue(call, attempt, row, group, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def has_free_line(self, now: cython.double) -> cython.bint:
        """Whether fewer callers wait, talk or are in the survey than there are lines.

        The end of a talk is an event only if a survey follows. Therefore operators in wrap-up, who hold no line, are
        subtracted here, and only as many as needed.
        """
        taken: cython.longlong = self.waiting + self.on_calls + self.surveyed
        operator: cython.int = 0
        while taken >= self.lines and operator < self.activity.shape[0]:
            if self.activity[operator] == ON_CALL and self.talk_end[operator] <= now:
                taken -= 1
            operator += 1
        return taken < self.lines

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def expected_wait(self) -> cython.double:
        return (self.waiting + 1) * self.mean_handle / (self.at_work if self.at_work > 1 else 1)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def wait_in_queue(
        self, call: cython.int, attempt: cython.int, row: cython.int, group: cython.int, now: cython.double
    ) -> cython.void:
        self.write_unanswered(row, WAITING, NAN)
        self.row_of[call] = row
        rank: cython.int = self.rank_of[cython.cast(cython.int, self.call_priority[call]) - self.lowest_priority]
        self.callers.append(rank * self.groups + group, call)
        self.waiting += 1
        self.waiting_in[rank] += 1
        self.entries += 1
        self.entry[call] = self.entries
        longest: cython.double = self.patience[call, attempt]
        if self.key_after[call, attempt] < longest:
            longest = self.key_after[call, attempt]
        if self.longest_wait < longest:
            longest = self.longest_wait
        self.leaving[call] = 0
        if longest < INF:
            self.leaving[call] = self.agenda.add(now + longest, LEAVE, call)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def next_call(self, operator: cython.int) -> cython.int:
        """Remove from the queue the caller whom this operator serves next; -1 = none."""
        if self.waiting == 0:
            return -1
        rank: cython.int
        group: cython.int
        for rank in range(self.ranks):
            if self.waiting_in[rank] == 0:
                continue
            found: cython.int = -1
            for group in range(self.groups):
                head: cython.int = self.callers.first[rank * self.groups + group]
                if head >= 0 and self.can_take[operator, group] and (found < 0 or self.entry[head] < self.entry[found]):
                    found = head
            if found >= 0:
                self.dequeue(found, rank)
                return found
        return -1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def dequeue(self, call: cython.int, rank: cython.int) -> cython.void:
        self.callers.remove(rank * self.groups + self.group_of[self.call_topic[call]], call)
        self.waiting -= 1
        self.waiting_in[rank] -= 1
        self.leaving[call] = 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def answer(
        self, operator: cython.int, call: cython.int, attempt: cython.int, row: cython.int, now: cython.double
    ) -> cython.void:
        left: cython.double = now + self.talk[call, attempt]
        self.write_answered(operator, call, attempt, row, now, left)
        self.talk_end[operator] = left
        if self.lines > 0 and self.survey[call, attempt] > 0:  # the line is held longer than the talk
            self.talk_end[operator] = now
            self.surveyed += 1
            self.agenda.add(left + self.survey[call, attempt], TALK_END, operator)
        self.on_calls += 1
        self.work_on(operator, ON_CALL, call, attempt, now, left + self.wrap[call, attempt])

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def write_call(self, row: cython.int, call: cython.int, attempt: cython.int, now: cython.double) -> cython.void:
        self.call_times[row, 0] = now  # entered
        self.call_numbers[row, 10] = call  # entity
        self.call_shorts[row, 24] = attempt
        self.call_shorts[row, 25] = self.call_topic[call]
        self.call_shorts[row, 26] = self.call_priority[call]
        self.call_bytes[row, 55] = 0  # message

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def write_answered(
        self,
        operator: cython.int,
        call: cython.int,
        attempt: cython.int,
        row: cython.int,
        now: cython.double,
        left: cython.double,
    ) -> cython.void:
        self.call_times[row, 1] = now - self.call_times[row, 0]  # wait
        self.call_times[row, 2] = self.talk[call, attempt]
        self.call_times[row, 3] = self.wrap[call, attempt]
        self.call_times[row, 4] = left
        self.call_numbers[row, 11] = operator
        self.call_bytes[row, 54] = ANSWERED

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def write_unanswered(self, row: cython.int, outcome: cython.int, left: cython.double) -> cython.void:
        self.call_times[row, 1] = left - self.call_times[row, 0]  # wait
        self.call_times[row, 2] = 0.0  # talk
        self.call_times[row, 3] = 0.0  # wrap
        self.call_times[row, 4] = left
        self.call_numbers[row, 11] = -1
        self.call_bytes[row, 54] = outcome

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def leave(self, call: cython.int, now: cython.double) -> cython.void:
        row: cython.int = self.row_of[call]
        attempt: cython.int = self.call_shorts[row, 24]
        self.dequeue(call, self.rank_of[cython.cast(cython.int, self.call_priority[call]) - self.lowest_priority])
        reason: cython.int = self.reason(call, attempt)
        if reason == ABANDONED:
            self.abandon(call, attempt, row, now)
        else:
            self.go_to_voicemail(call, attempt, row, reason, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def reason(self, call: cython.int, attempt: cython.int) -> cython.int:
        """What ends a wait first; at ties patience, then the key, then the limit."""
        key: cython.double = self.key_after[call, attempt]
        if self.patience[call, attempt] <= key and self.patience[call, attempt] <= self.longest_wait:
            return ABANDONED
        return VOICEMAIL_KEY if key <= self.longest_wait else VOICEMAIL_TIMEOUT

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def abandon(self, call: cython.int, attempt: cython.int, row: cython.int, now: cython.double) -> cython.void:
        self.write_unanswered(row, ABANDONED, now)
        self.redial(call, attempt, row, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def redial(self, call: cython.int, attempt: cython.int, row: cython.int, now: cython.double) -> cython.void:
        if attempt + 1 < self.attempts:
            again: cython.double = now + self.redial_after[call, attempt]
            if again < INF and self.is_open(again):
                self.row_of[call] = row
                self.agenda.add(again, REDIAL, call)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def is_open(self, instant: cython.double) -> cython.bint:
        low: cython.int = 0
        high: cython.int = self.open_from.shape[0]
        if high == 0:
            return True
        while low < high:  # find the first interval that begins later
            middle: cython.int = (low + high) >> 1
            if self.open_from[middle] <= instant:
                low = middle + 1
            else:
                high = middle
        return low > 0 and instant < self.open_until[low - 1]

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def go_to_voicemail(
        self, call: cython.int, attempt: cython.int, row: cython.int, outcome: cython.int, now: cython.double
    ) -> cython.void:
        self.write_unanswered(row, outcome, now)
        if self.leaves_message[call, attempt]:
            self.call_bytes[row, 55] = 1  # message
            self.add_callback(call, attempt, self.call_topic[call], now)

    # work that can wait
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def add_callback(
        self, entity: cython.int, attempt: cython.int, topic: cython.int, now: cython.double
    ) -> cython.void:
        row: cython.int = self.callback_rows
        self.callback_rows += 1
        self.callback_created[row] = now
        self.callback_started[row] = NAN
        self.callback_ended[row] = NAN
        self.callback_entity[row] = entity
        self.callback_operator[row] = -1
        self.callback_attempt[row] = attempt
        self.callback_topic[row] = topic
        self.callbacks.append(self.group_of[topic], row)
        self.callbacks_waiting += 1
        self.assign_work(now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def assign_work(self, now: cython.double) -> cython.void:
        """Give work that can wait to the longest idle operator: the rule of `charter.work_assignment.next_work`."""
        if self.idle <= self.reserve or self.callbacks_waiting + self.mails_waiting == 0:
            return
        operator: cython.int = self.people.first[IDLE]
        while operator >= 0:
            row: cython.int = self.first_callback(operator)
            if row >= 0:
                self.leave_list(operator)
                self.take_callback(operator, row, now)
                return
            mail: cython.int = self.first_mail(operator)
            if mail >= 0:
                self.leave_list(operator)
                self.take_mail(operator, mail, now)
                return
            operator = self.people.next[operator]

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def first_callback(self, operator: cython.int) -> cython.int:
        found: cython.int = -1
        group: cython.int
        for group in range(self.groups):
            head: cython.int = self.callbacks.first[group]
            if head >= 0 and self.can_take[operator, group] and (found < 0 or head < found):
                found = head
        return found

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def first_mail(self, operator: cython.int) -> cython.int:
        found: cython.int = -1
        group: cython.int
        for group in range(self.groups):
            head: cython.int = self.mails.first[group]
            if (
                head >= 0
                and self.can_take[operator, group]
                and (found < 0 or self.mail_order[head] < self.mail_order[found])
            ):
                found = head
        return found

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def take_callback(self, operator: cython.int, row: cython.int, now: cython.double) -> cython.void:
        self.callbacks.remove(self.group_of[self.callback_topic[row]], row)
        self.callbacks_waiting -= 1
        entity: cython.int = self.callback_entity[row]
        attempt: cython.int = self.callback_attempt[row]
        calls: cython.int = self.call_at.shape[0]
        work: cython.double = (
            self.callback_work[entity, attempt] if entity < calls else self.closed_callback_work[entity - calls]
        )
        self.callback_started[row] = now
        self.callback_ended[row] = now + work
        self.callback_operator[row] = operator
        self.work_on(operator, ON_CALLBACK, entity, attempt, now, now + work)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def take_mail(self, operator: cython.int, mail: cython.int, now: cython.double) -> cython.void:
        self.mails.remove(self.group_of[self.mail_topic[mail]], mail)
        self.mails_waiting -= 1
        if self.mail_operator[mail] < 0:
            self.mail_started[mail] = now
        self.mail_operator[mail] = operator
        if self.put_down:
            self.join_list(operator, INTERRUPTIBLE)
        self.work_on(operator, ON_EMAIL, mail, 0, now, now + self.remaining[mail])

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def put_down_mail(self, operator: cython.int, now: cython.double) -> cython.void:
        self.leave_list(operator)
        mail: cython.int = self.task[operator]
        self.remaining[mail] = self.task_end[operator] - now
        self.work_times[self.task_row[operator], 1] = now
        self.mails_put_down += 1
        self.mail_order[mail] = -self.mails_put_down
        self.mails.put_first(self.group_of[self.mail_topic[mail]], mail)
        self.mails_waiting += 1

    # operators
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def work_on(
        self,
        operator: cython.int,
        kind: cython.int,
        reference: cython.int,
        attempt: cython.int,
        now: cython.double,
        end: cython.double,
    ) -> cython.void:
        self.activity[operator] = kind
        self.task[operator] = reference
        self.task_end[operator] = end
        self.task_row[operator] = self.write_work(operator, kind, reference, attempt, now, end)
        self.ending[operator] = self.agenda.add(end, WORK_END, operator)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def write_work(
        self,
        operator: cython.int,
        kind: cython.int,
        reference: cython.int,
        attempt: cython.int,
        start: cython.double,
        end: cython.double,
    ) -> cython.int:
        row: cython.int = self.work_rows
        self.work_rows += 1
        self.work_times[row, 0] = start
        self.work_times[row, 1] = end
        self.work_numbers[row, 4] = operator
        self.work_numbers[row, 5] = reference
        self.work_numbers[row, 6] = attempt
        self.work_numbers[row, 7] = kind
        return row

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def work_ends(self, operator: cython.int, now: cython.double) -> cython.void:
        if self.activity[operator] == ON_CALL:
            self.on_calls -= 1
        elif self.activity[operator] == ON_EMAIL:
            self.mail_ended[self.task[operator]] = now
            self.leave_list(operator)
        self.activity[operator] = NO_ACTIVITY
        self.becomes_free(operator, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def becomes_free(self, operator: cython.int, now: cython.double) -> cython.void:
        """The operator leaves, takes a break, takes the next call, or is idle: the first of these that applies."""
        if not self.on_shift[operator]:
            self.leave_seat(operator, now)
            return
        if self.break_due[operator]:
            self.on_break[operator] = 1
            self.at_work -= 1
            self.task_row[operator] = self.write_work(operator, ON_BREAK, -1, 0, now, NAN)
            return
        call: cython.int = self.next_call(operator)
        if call >= 0:
            row: cython.int = self.row_of[call]
            self.answer(operator, call, self.call_shorts[row, 24], row, now)
            return
        self.join_list(operator, IDLE)
        self.assign_work(now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def sit_down(self, operator: cython.int, now: cython.double) -> cython.void:
        self.seats_taken += 1
        self.seated[operator] = 1
        self.at_work += 1
        self.seat_row[operator] = self.write_work(operator, SEATED, -1, 0, now, NAN)
        self.becomes_free(operator, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def leave_seat(self, operator: cython.int, now: cython.double) -> cython.void:
        self.work_times[self.seat_row[operator], 1] = now
        self.seated[operator] = 0
        self.seats_taken -= 1
        next_one: cython.int = self.people.first[WITHOUT_SEAT]
        if next_one >= 0:
            self.leave_list(next_one)
            self.sit_down(next_one, now)
        elif self.seats_taken == 0 and self.empty_then_voicemail and not self.emptying_scheduled:
            self.emptying_scheduled = True
            self.agenda.add(now, NOBODY_SEATED, operator)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def send_all_to_voicemail(self, now: cython.double) -> cython.void:
        """End all waits, in the order of service, unless an operator sat down at the same instant."""
        self.emptying_scheduled = False
        rank: cython.int
        group: cython.int
        for rank in range(self.ranks):
            while self.waiting_in[rank] > 0 and self.seats_taken == 0:
                found: cython.int = -1
                for group in range(self.groups):
                    head: cython.int = self.callers.first[rank * self.groups + group]
                    if head >= 0 and (found < 0 or self.entry[head] < self.entry[found]):
                        found = head
                row: cython.int = self.row_of[found]
                self.dequeue(found, rank)
                self.go_to_voicemail(found, self.call_shorts[row, 24], row, VOICEMAIL_EMPTY, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def apply_schedule(self, kind: cython.int, operator: cython.int, now: cython.double) -> cython.void:
        was: cython.int = self.list_of[operator]
        if kind == SHIFT_START:
            self.on_shift[operator] = 1
            if self.seated[operator]:  # still finishing work of the shift before
                self.at_work += 1
            elif self.seats_taken < self.seats:
                self.sit_down(operator, now)
            else:
                self.join_list(operator, WITHOUT_SEAT)
        elif kind == SHIFT_END:
            self.on_shift[operator] = 0
            self.break_due[operator] = 0
            self.leave_list(operator)
            if self.on_break[operator]:
                self.break_ends(operator, now)
                self.leave_seat(operator, now)
            elif self.seated[operator]:
                self.at_work -= 1
                if was == IDLE:
                    self.leave_seat(operator, now)
        elif kind == BREAK_START:
            if self.on_shift[operator]:
                self.break_due[operator] = 1
                if was != WITHOUT_SEAT:
                    self.leave_list(operator)
                if was == IDLE:
                    self.becomes_free(operator, now)
        else:
            self.break_due[operator] = 0
            if self.on_break[operator]:
                self.break_ends(operator, now)
                self.at_work += 1
                self.becomes_free(operator, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def break_ends(self, operator: cython.int, now: cython.double) -> cython.void:
        self.on_break[operator] = 0
        self.work_times[self.task_row[operator], 1] = now

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def join_list(self, operator: cython.int, which: cython.int) -> cython.void:
        self.people.append(which, operator)
        self.list_of[operator] = which
        if which == IDLE:
            self.idle += 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def leave_list(self, operator: cython.int) -> cython.void:
        """Remove the operator from the list that they are in, if any."""
        which: cython.int = self.list_of[operator]
        if which == NO_LIST:
            return
        self.people.remove(which, operator)
        self.list_of[operator] = NO_LIST
        if which == IDLE:
            self.idle -= 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def by_number(
    number: cython.const[cython.int][:],
    start: cython.int[::1],
    words: cython.const[cython.longlong][:, ::1],
    sorted_words: cython.longlong[:, ::1],
) -> cython.void:
    """Sort rows by their numbers, stably (a counting sort). `start`: a zero for each number."""
    row: cython.int
    word: cython.int
    for row in range(number.shape[0]):
        start[number[row]] += 1
    before: cython.int = 0
    which: cython.int
    for which in range(start.shape[0]):
        before += start[which]
        start[which] = before - start[which]
    for row in range(number.shape[0]):
        to: cython.int = start[number[row]]
        start[number[row]] = to + 1
        if words.shape[1] == 4:  # intervals of operators, the most frequent rows
            sorted_words[to, 0] = words[row, 0]
            sorted_words[to, 1] = words[row, 1]
            sorted_words[to, 2] = words[row, 2]
            sorted_words[to, 3] = words[row, 3]
            continue
        for word in range(words.shape[1]):
            sorted_words[to, word] = words[row, word]


def sorted_rows(rows: Rows, field: str, numbers: int) -> Rows:
    """A copy of `rows` sorted by `field`, whose values are 0 ... `numbers` - 1. Rows must be multiples of 64 bits."""
    made = np.empty_like(rows)
    number: cython.const[cython.int][:] = rows[field]
    start: cython.int[::1] = np.zeros(numbers, dtype=np.int32)
    words: cython.const[cython.longlong][:, ::1] = as_table(rows, np.int64)
    sorted_words: cython.longlong[:, ::1] = as_table(made, np.int64)
    with cython.nogil:
        by_number(number, start, words, sorted_words)
    return made


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def serve_all(
    agenda: Agenda,
    ready: cython.const[cython.double][:],
    work: cython.const[cython.double][:],
    started: cython.double[::1],
) -> cython.void:
    which: cython.int
    for which in range(ready.shape[0]):
        start: cython.double = agenda.at[0]
        if start < ready[which]:
            start = ready[which]
        started[which] = start
        agenda.replace_first(start + work[which], WORK_END, 0)


def serve(ready: Floats, work: Floats, people: int) -> Floats:
    """`second_level.serve`, compiled."""
    agenda = Agenda(people)
    person: cython.int
    for person in range(people):
        agenda.add(0.0, WORK_END, person)
    started: Floats = np.empty(len(ready))
    when: cython.const[cython.double][:] = ready
    needed: cython.const[cython.double][:] = work
    starts: cython.double[::1] = started
    with cython.nogil:
        serve_all(agenda, when, needed, starts)
    return started


def simulate(inputs: Inputs) -> Records:
    """Run one period until no event is left, and return the same record as `reference.simulate`."""
    blank = BlankRows(inputs)
    centre = ContactCentre(inputs, blank)
    centre.run(is_plain(inputs))
    calls = all_calls(inputs, blank.calls, centre.call_rows)
    if centre.call_rows > len(inputs.call_at):
        calls = sorted_rows(calls, "entity", len(inputs.call_at) + len(inputs.closed_at))
    callbacks = blank.callbacks[: centre.callback_rows]
    return Records(
        calls=calls,
        mails=blank.mails,
        callbacks=take_rows(callbacks, np.argsort(callbacks["entity"], kind="stable")),
        work=sorted_rows(blank.work[: centre.work_rows], "operator", inputs.n_operators),
        second=second_level(inputs, calls, blank.mails, serve),
    )
