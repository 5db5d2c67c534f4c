# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled engine: the rules of `model.py`, over arrays. One source, plain Python that Cython compiles at install.

`model.py` is the specification; a test holds the two to the same record, bit for bit, this source compiled and not.

What is known ahead (calls, e-mails, callers outside hours, the schedule) is read by pointer, in order. What comes of it
(ends of work, callers who leave, redials) lies in one small binary heap. Whoever stands in some line (callers by class,
e-mails, call-backs, idle operators) is in a linked list over his own number, so leaving it from the middle costs the
same as from the front and nothing stale is ever in it. In the heap stale entries stay: an entry counts only if its
sequence number is the one that its operator or caller remembers. The loop holds no lock (`nogil`), so threads run it
side by side.
"""

from __future__ import annotations

import cython
import numpy as np

from queue_model.simulation import inputs as _inputs
from queue_model.simulation import kernel_rows
from queue_model.simulation.inputs import Floats, Inputs
from queue_model.simulation.kernel_rows import Blank, is_plain, whole_calls
from queue_model.simulation.records import Outcome, Records, Rows, Work, table, taken
from queue_model.simulation.second_level import second_level

compiled: bool = cython.compiled

# C integers, for the speed; the numbers themselves are those of `inputs` and `records`
TALK_END = cython.declare(cython.int, _inputs.TALK_END)
WORK_END = cython.declare(cython.int, _inputs.WORK_END)
SHIFT_END = cython.declare(cython.int, _inputs.SHIFT_END)
BREAK_START = cython.declare(cython.int, _inputs.BREAK_START)
BREAK_END = cython.declare(cython.int, _inputs.BREAK_END)
SHIFT_START = cython.declare(cython.int, _inputs.SHIFT_START)
EMPTIED = cython.declare(cython.int, _inputs.EMPTIED)
LEAVE = cython.declare(cython.int, _inputs.LEAVE)
REDIAL = cython.declare(cython.int, _inputs.REDIAL)
CALL = cython.declare(cython.int, _inputs.CALL)
CLOSED_CALL = cython.declare(cython.int, _inputs.CLOSED_CALL)
MAIL = cython.declare(cython.int, _inputs.MAIL)
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
FREE = cython.declare(cython.int, -1)  # does nothing

# the lists that an operator can be in
IDLE = cython.declare(cython.int, 0)
INTERRUPTIBLE = cython.declare(cython.int, 1)
WITHOUT_SEAT = cython.declare(cython.int, 2)
NOWHERE = cython.declare(cython.int, -1)

FEW = cython.declare(cython.int, 48)  # so many are kept in order rather than in a heap
WALK = cython.declare(cython.int, 512)  # how far they walk through memory before they begin anew

NAN = cython.declare(cython.double, float("nan"))
INF = cython.declare(cython.double, float("inf"))


@cython.final
@cython.cclass
class Agenda:
    """What is to come: a binary heap by instant, then kind, then the order in which it was put in."""

    at: cython.double[::1]
    key: cython.longlong[::1]  # kind << 48 | sequence
    who: cython.int[::1]
    head: cython.int  # where the first entry is; a heap's stays at 0
    size: cython.int
    sequence: cython.longlong

    def __init__(self, room: int) -> None:
        room = max(room, WALK)
        self.at = np.empty(room)
        self.key = np.empty(room, dtype=np.int64)
        self.who = np.empty(room, dtype=np.int32)
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
        """The same while all entries lie in order from `head` on, as they then still do, and are of one kind: for a few
        of them quicker than to sift, since who is free last is mostly free late."""
        place: cython.int = self.head + self.size
        if place < WALK:
            self.head += 1
        else:
            place = self.size - 1
            entry: cython.int
            for entry in range(place):
                self.at[entry] = self.at[self.head + 1 + entry]
                self.who[entry] = self.who[self.head + 1 + entry]
            self.head = 0
        while place > self.head and self.at[place - 1] > at:  # among equals the newest is last
            self.at[place] = self.at[place - 1]
            self.who[place] = self.who[place - 1]
            place -= 1
        self.at[place] = at
        self.who[place] = who

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def sift(self, at: cython.double, key: cython.longlong, who: cython.int) -> cython.void:
        """Put this entry into the heap, whose first place is empty."""
        place: cython.int = 0
        below: cython.int = 1
        while below < self.size:
            # Which of two comes first cannot be guessed: it is added, not branched upon.
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
class Lines:
    """Several lines over the same numbers, each number in one line at most: first, last, next, previous; -1 = none."""

    first: cython.int[::1]
    last: cython.int[::1]
    next: cython.int[::1]
    previous: cython.int[::1]

    def __init__(self, lines: int, numbers: int) -> None:
        self.first = np.full(lines, -1, dtype=np.int32)
        self.last = np.full(lines, -1, dtype=np.int32)
        self.next = np.empty(numbers, dtype=np.int32)
        self.previous = np.empty(numbers, dtype=np.int32)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def append(self, line: cython.int, number: cython.int) -> cython.void:
        before: cython.int = self.last[line]
        self.next[number] = -1
        self.previous[number] = before
        self.last[line] = number
        if before < 0:
            self.first[line] = number
        else:
            self.next[before] = number

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def put_first(self, line: cython.int, number: cython.int) -> cython.void:
        after: cython.int = self.first[line]
        self.next[number] = after
        self.previous[number] = -1
        self.first[line] = number
        if after < 0:
            self.last[line] = number
        else:
            self.previous[after] = number

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def remove(self, line: cython.int, number: cython.int) -> cython.void:
        before: cython.int = self.previous[number]
        after: cython.int = self.next[number]
        if before < 0:
            self.first[line] = after
        else:
            self.next[before] = after
        if after < 0:
            self.last[line] = before
        else:
            self.previous[after] = before


@cython.final
@cython.cclass
class Room:
    """The state of the service, and its rules. The names are those of `model.py`."""

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
    # the rest that comes by itself
    closed_at: cython.const[cython.double][:]
    closed_topic: cython.const[cython.short][:]
    closed_leaves_message: cython.const[cython.uchar][:]
    closed_callback_work: cython.const[cython.double][:]
    mail_at: cython.const[cython.double][:]
    mail_topic: cython.const[cython.short][:]
    event_at: cython.const[cython.double][:]
    event_kind: cython.const[cython.uchar][:]
    event_operator: cython.const[cython.int][:]
    # who may what: topics that the same people may do are one group
    groups: cython.int
    group_of: cython.int[::1]
    may: cython.uchar[:, ::1]
    ranks: cython.int
    rank_of: cython.int[::1]
    lowest_priority: cython.int
    # what waits; a class of callers is a rank and a group
    agenda: Agenda
    callers: Lines
    waiting: cython.longlong
    waiting_in: cython.int[::1]  # per rank
    entry: cython.longlong[::1]  # per caller: his number in the order of entry
    entries: cython.longlong
    leaving: cython.longlong[::1]  # per caller: sequence number of his LEAVE, 0 = none counts
    row_of: cython.int[::1]  # per caller: the row of his present attempt
    callbacks: Lines
    callbacks_waiting: cython.int
    mails: Lines
    mails_waiting: cython.int
    mail_order: cython.longlong[::1]
    mails_put_down: cython.longlong
    remaining: cython.double[::1]
    on_calls: cython.longlong  # people who talk or wrap up
    surveyed: cython.longlong  # lines on which a survey is under way, or will be after the talk
    # operators
    people: Lines
    idle: cython.int
    seats_taken: cython.longlong
    emptying: cython.bint  # EMPTIED is on the agenda
    at_work: cython.int
    on_shift: cython.uchar[::1]
    on_break: cython.uchar[::1]
    break_due: cython.uchar[::1]
    seated: cython.uchar[::1]
    listed: cython.int[::1]  # which line of `people` he is in
    doing: cython.int[::1]
    task: cython.int[::1]
    task_row: cython.int[::1]
    task_end: cython.double[::1]
    talk_end: cython.double[::1]
    ending: cython.longlong[::1]  # sequence number of his WORK_END
    chair_row: cython.int[::1]
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

    def __init__(self, given: Inputs, blank: Blank) -> None:
        self.read_policy(given)
        self.read_streams(given)
        self.read_classes(given)
        self.make_state(given, blank.attempts)
        self.write_to(blank)

    def read_policy(self, given: Inputs) -> None:
        self.seats = given.seats
        self.longest_wait = given.longest_wait
        self.longest_queue = given.longest_queue
        self.busy_then_voicemail = given.busy_then_voicemail
        self.empty_then_voicemail = given.empty_then_voicemail
        self.lines = given.lines
        self.reserve = given.reserve
        self.put_down = given.put_down
        self.announced = given.announced
        self.mean_handle = given.mean_handle
        self.attempts = given.attempts
        self.open_from = given.open_from
        self.open_until = given.open_until

    def read_streams(self, given: Inputs) -> None:
        self.call_at = given.call_at
        self.call_topic = given.call_topic
        self.call_priority = given.call_priority
        self.patience = given.patience
        self.key_after = given.key_after
        self.talk = given.talk
        self.wrap = given.wrap
        self.survey = given.survey
        self.redial_after = given.redial_after
        self.tolerance = given.tolerance
        self.leaves_message = given.leaves_message.view(np.uint8)
        self.callback_work = given.callback_work
        self.closed_at = given.closed_at
        self.closed_topic = given.closed_topic
        self.closed_leaves_message = given.closed_leaves_message.view(np.uint8)
        self.closed_callback_work = given.closed_callback_work
        self.mail_at = given.mail_at
        self.mail_topic = given.mail_topic
        self.event_at = given.event_at
        self.event_kind = given.event_kind
        self.event_operator = given.event_operator

    def read_classes(self, given: Inputs) -> None:
        self.group_of, self.may = kernel_rows.groups(given)
        self.groups = self.may.shape[1]
        self.rank_of, self.lowest_priority = kernel_rows.ranks(given)
        self.ranks = int(np.max(self.rank_of)) + 1

    def make_state(self, given: Inputs, attempts: int) -> None:
        calls, mails, people = len(given.call_at), len(given.mail_at), given.n_operators
        # An attempt's leave, its redial or put-down, and its survey; everybody's end of work; the room that empties.
        self.agenda = Agenda(3 * attempts + people + 2)
        self.callers = Lines(self.ranks * self.groups, calls)
        self.waiting = 0
        self.waiting_in = np.zeros(self.ranks, dtype=np.int32)
        self.entry = np.empty(calls, dtype=np.int64)
        self.entries = 0
        self.leaving = np.empty(calls, dtype=np.int64)
        self.row_of = np.empty(calls, dtype=np.int32)
        self.callbacks = Lines(self.groups, calls + len(given.closed_at))
        self.callbacks_waiting = 0
        self.mails = Lines(self.groups, mails)
        self.mails_waiting = 0
        self.mail_order = np.arange(mails, dtype=np.int64)
        self.mails_put_down = 0
        self.remaining = given.mail_work.copy()
        self.on_calls = 0
        self.surveyed = 0
        self.people = Lines(3, people)
        self.idle = 0
        self.seats_taken = 0
        self.emptying = False
        self.at_work = 0
        self.on_shift = np.zeros(people, dtype=np.uint8)
        self.on_break = np.zeros(people, dtype=np.uint8)
        self.break_due = np.zeros(people, dtype=np.uint8)
        self.seated = np.zeros(people, dtype=np.uint8)
        self.listed = np.full(people, NOWHERE, dtype=np.int32)
        self.doing = np.full(people, FREE, dtype=np.int32)
        self.task = np.empty(people, dtype=np.int32)
        self.task_row = np.empty(people, dtype=np.int32)
        self.task_end = np.empty(people)
        self.talk_end = np.empty(people)
        self.ending = np.zeros(people, dtype=np.int64)
        self.chair_row = np.empty(people, dtype=np.int32)

    def write_to(self, blank: Blank) -> None:
        calls, mails, callbacks, work = blank.calls, blank.mails, blank.callbacks, blank.work
        self.call_rows = len(self.call_at)  # first attempts have the row of their caller; redials come after
        # the rows as tables of equal numbers: a row's fields lie together, so one address reaches them all
        self.call_times, self.call_numbers = table(calls, np.float64), table(calls, np.int32)
        self.call_shorts, self.call_bytes = table(calls, np.int16), table(calls, np.uint8)
        self.mail_started, self.mail_ended, self.mail_operator = mails["started"], mails["ended"], mails["operator"]
        self.callback_rows = 0
        self.callback_created, self.callback_started = callbacks["created"], callbacks["started"]
        self.callback_ended, self.callback_entity = callbacks["ended"], callbacks["entity"]
        self.callback_operator, self.callback_attempt = callbacks["operator"], callbacks["attempt"]
        self.callback_topic = callbacks["topic"]
        self.work_rows = 0
        self.work_times, self.work_numbers = table(work, np.float64), table(work, np.int32)

    def run(self, plain: bool = False) -> None:
        """Until nothing can happen any more; `plain` (see `kernel_rows.is_plain`): the short way to the same record."""
        short: cython.bint = plain
        with cython.nogil:
            if short:
                self.go_plain()
            else:
                self.go()

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def go_plain(self) -> cython.void:
        """First come, first served by people who are always there: each call is settled when it enters.

        The agenda holds when each of them was or will be free. Its first entry is whoever has been idle longest, and
        while nobody is idle, whoever will serve this call unless the caller leaves before. Nobody who enters later can
        change that; with a second class, a limit of the queue or a break they could.
        """
        event: cython.int
        call: cython.int
        few: cython.bint = self.event_at.shape[0] <= FEW
        for event in range(self.event_at.shape[0]):
            who: cython.int = self.event_operator[event]
            self.note(who, SEATED, -1, 0, self.event_at[event], NAN)
            self.agenda.add(self.event_at[event], WORK_END, who)
        for call in range(self.call_at.shape[0]):
            now: cython.double = self.call_at[call]
            self.head_row(call, call, 0, now)
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
                self.answered_row(operator, call, 0, call, free, left)
                self.note(operator, ON_CALL, call, 0, free, end)
                if few:
                    self.agenda.replace_first_of_few(end, operator)
                else:
                    self.agenda.replace_first(end, WORK_END, operator)
            else:
                self.unanswered(call, self.reason(call, 0), now + longest)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def go(self) -> cython.void:
        """Take the next event of all sources, in the stated order, until there is none."""
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
                    self.happens(first)
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
                self.share_out(now)
                mail += 1
                next_mail = self.mail_at[mail] if mail < mails else INF
            elif kind == CLOSED_CALL:
                if self.closed_leaves_message[closed]:
                    self.call_back(calls + closed, 0, self.closed_topic[closed], now)
                closed += 1
                next_closed = self.closed_at[closed] if closed < closes else INF
            else:
                self.roster(kind, self.event_operator[event], now)
                event += 1
                next_event = self.event_at[event] if event < events else INF

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def happens(self, kind: cython.int) -> cython.void:
        """The first entry of the agenda, of that kind."""
        now: cython.double = self.agenda.at[0]
        who: cython.int = self.agenda.who[0]
        sequence: cython.longlong = self.agenda.key[0] - (cython.cast(cython.longlong, kind) << 48)
        self.agenda.drop_first()
        if kind == WORK_END:
            if sequence == self.ending[who]:  # else he put it down
                self.work_ends(who, now)
        elif kind == TALK_END:
            self.surveyed -= 1
        elif kind == EMPTIED:
            self.emptied(now)
        elif kind == LEAVE:
            if sequence == self.leaving[who]:  # else he was answered
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
        self.head_row(row, call, attempt, now)
        if self.lines > 0 and not self.a_line_is_free(now):
            self.unanswered(row, BLOCKED, now)
            self.redial(call, attempt, row, now)
            return
        group: cython.int = self.group_of[self.call_topic[call]]
        operator: cython.int = self.people.first[IDLE]
        while operator >= 0 and not self.may[operator, group]:
            operator = self.people.next[operator]
        if operator >= 0:
            self.unlist(operator)
            self.answer(operator, call, attempt, row, now)
            return
        operator = self.people.last[INTERRUPTIBLE]
        while operator >= 0 and not self.may[operator, group]:
            operator = self.people.previous[operator]
        if operator >= 0:
            self.put_mail_down(operator, now)
            self.answer(operator, call, attempt, row, now)
            self.share_out(now)
            return
        if self.busy_then_voicemail or (self.empty_then_voicemail and self.seats_taken == 0):
            self.voicemail(call, attempt, row, VOICEMAIL_BUSY, now)
        elif self.waiting >= self.longest_queue:
            self.voicemail(call, attempt, row, VOICEMAIL_FULL, now)
        elif self.announced and self.expected_wait() > self.tolerance[call, attempt]:
            self.abandon(call, attempt, row, now)
        else:
            self.queue_up(call, attempt, row, group, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def a_line_is_free(self, now: cython.double) -> cython.bint:
        """Waiting, talking or in the survey, fewer than there are lines. The end of a talk is no event here unless a
        survey follows: people are counted, and only when it matters, since those in wrap-up hold no line."""
        taken: cython.longlong = self.waiting + self.on_calls + self.surveyed
        operator: cython.int = 0
        while taken >= self.lines and operator < self.doing.shape[0]:
            if self.doing[operator] == ON_CALL and self.talk_end[operator] <= now:
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
    def queue_up(
        self, call: cython.int, attempt: cython.int, row: cython.int, group: cython.int, now: cython.double
    ) -> cython.void:
        self.unanswered(row, WAITING, NAN)
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
    def first_call_for(self, operator: cython.int) -> cython.int:
        """The caller who is served next by this operator, taken out of the queue; -1 = none."""
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
                if head >= 0 and self.may[operator, group] and (found < 0 or self.entry[head] < self.entry[found]):
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
        self.answered_row(operator, call, attempt, row, now, left)
        self.talk_end[operator] = left
        if self.lines > 0 and self.survey[call, attempt] > 0:  # the line outlasts the talk
            self.talk_end[operator] = now
            self.surveyed += 1
            self.agenda.add(left + self.survey[call, attempt], TALK_END, operator)
        self.on_calls += 1
        self.work_on(operator, ON_CALL, call, attempt, now, left + self.wrap[call, attempt])

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def head_row(self, row: cython.int, call: cython.int, attempt: cython.int, now: cython.double) -> cython.void:
        self.call_times[row, 0] = now  # entered
        self.call_numbers[row, 10] = call  # entity
        self.call_shorts[row, 24] = attempt
        self.call_shorts[row, 25] = self.call_topic[call]
        self.call_shorts[row, 26] = self.call_priority[call]
        self.call_bytes[row, 55] = 0  # message

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def answered_row(
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
    def unanswered(self, row: cython.int, outcome: cython.int, left: cython.double) -> cython.void:
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
            self.voicemail(call, attempt, row, reason, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def reason(self, call: cython.int, attempt: cython.int) -> cython.int:
        """What ends a wait first; of equals, patience, then the key, then the limit."""
        key: cython.double = self.key_after[call, attempt]
        if self.patience[call, attempt] <= key and self.patience[call, attempt] <= self.longest_wait:
            return ABANDONED
        return VOICEMAIL_KEY if key <= self.longest_wait else VOICEMAIL_TIMEOUT

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def abandon(self, call: cython.int, attempt: cython.int, row: cython.int, now: cython.double) -> cython.void:
        self.unanswered(row, ABANDONED, now)
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
        while low < high:  # the first stretch that begins later
            middle: cython.int = (low + high) >> 1
            if self.open_from[middle] <= instant:
                low = middle + 1
            else:
                high = middle
        return low > 0 and instant < self.open_until[low - 1]

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def voicemail(
        self, call: cython.int, attempt: cython.int, row: cython.int, outcome: cython.int, now: cython.double
    ) -> cython.void:
        self.unanswered(row, outcome, now)
        if self.leaves_message[call, attempt]:
            self.call_bytes[row, 55] = 1  # message
            self.call_back(call, attempt, self.call_topic[call], now)

    # work that can wait
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def call_back(self, entity: cython.int, attempt: cython.int, topic: cython.int, now: cython.double) -> cython.void:
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
        self.share_out(now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def share_out(self, now: cython.double) -> cython.void:
        """Who has been idle longest takes work that can wait: the rule of `charter.work_assignment.next_work`."""
        if self.idle <= self.reserve or self.callbacks_waiting + self.mails_waiting == 0:
            return
        operator: cython.int = self.people.first[IDLE]
        while operator >= 0:
            row: cython.int = self.first_callback_for(operator)
            if row >= 0:
                self.unlist(operator)
                self.take_callback(operator, row, now)
                return
            mail: cython.int = self.first_mail_for(operator)
            if mail >= 0:
                self.unlist(operator)
                self.take_mail(operator, mail, now)
                return
            operator = self.people.next[operator]

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def first_callback_for(self, operator: cython.int) -> cython.int:
        found: cython.int = -1
        group: cython.int
        for group in range(self.groups):
            head: cython.int = self.callbacks.first[group]
            if head >= 0 and self.may[operator, group] and (found < 0 or head < found):
                found = head
        return found

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def first_mail_for(self, operator: cython.int) -> cython.int:
        found: cython.int = -1
        group: cython.int
        for group in range(self.groups):
            head: cython.int = self.mails.first[group]
            if (
                head >= 0
                and self.may[operator, group]
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
            self.list_as(operator, INTERRUPTIBLE)
        self.work_on(operator, ON_EMAIL, mail, 0, now, now + self.remaining[mail])

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def put_mail_down(self, operator: cython.int, now: cython.double) -> cython.void:
        self.unlist(operator)
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
        self.doing[operator] = kind
        self.task[operator] = reference
        self.task_end[operator] = end
        self.task_row[operator] = self.note(operator, kind, reference, attempt, now, end)
        self.ending[operator] = self.agenda.add(end, WORK_END, operator)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def note(
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
        if self.doing[operator] == ON_CALL:
            self.on_calls -= 1
        elif self.doing[operator] == ON_EMAIL:
            self.mail_ended[self.task[operator]] = now
            self.unlist(operator)
        self.doing[operator] = FREE
        self.free(operator, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def free(self, operator: cython.int, now: cython.double) -> cython.void:
        """He leaves, goes on his break, takes the next call, or is idle: what comes first in this order."""
        if not self.on_shift[operator]:
            self.stand_up(operator, now)
            return
        if self.break_due[operator]:
            self.on_break[operator] = 1
            self.at_work -= 1
            self.task_row[operator] = self.note(operator, ON_BREAK, -1, 0, now, NAN)
            return
        call: cython.int = self.first_call_for(operator)
        if call >= 0:
            row: cython.int = self.row_of[call]
            self.answer(operator, call, self.call_shorts[row, 24], row, now)
            return
        self.list_as(operator, IDLE)
        self.share_out(now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def sit_down(self, operator: cython.int, now: cython.double) -> cython.void:
        self.seats_taken += 1
        self.seated[operator] = 1
        self.at_work += 1
        self.chair_row[operator] = self.note(operator, SEATED, -1, 0, now, NAN)
        self.free(operator, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def stand_up(self, operator: cython.int, now: cython.double) -> cython.void:
        self.work_times[self.chair_row[operator], 1] = now
        self.seated[operator] = 0
        self.seats_taken -= 1
        next_one: cython.int = self.people.first[WITHOUT_SEAT]
        if next_one >= 0:
            self.unlist(next_one)
            self.sit_down(next_one, now)
        elif self.seats_taken == 0 and self.empty_then_voicemail and not self.emptying:
            self.emptying = True
            self.agenda.add(now, EMPTIED, operator)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def emptied(self, now: cython.double) -> cython.void:
        """Who waits is led to the voicemail, in the order of service, unless somebody came at the same instant."""
        self.emptying = False
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
                self.voicemail(found, self.call_shorts[row, 24], row, VOICEMAIL_EMPTY, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def roster(self, kind: cython.int, operator: cython.int, now: cython.double) -> cython.void:
        was: cython.int = self.listed[operator]
        if kind == SHIFT_START:
            self.on_shift[operator] = 1
            if self.seated[operator]:  # still finishing something from the shift before
                self.at_work += 1
            elif self.seats_taken < self.seats:
                self.sit_down(operator, now)
            else:
                self.list_as(operator, WITHOUT_SEAT)
        elif kind == SHIFT_END:
            self.on_shift[operator] = 0
            self.break_due[operator] = 0
            self.unlist(operator)
            if self.on_break[operator]:
                self.break_ends(operator, now)
                self.stand_up(operator, now)
            elif self.seated[operator]:
                self.at_work -= 1
                if was == IDLE:
                    self.stand_up(operator, now)
        elif kind == BREAK_START:
            if self.on_shift[operator]:
                self.break_due[operator] = 1
                if was != WITHOUT_SEAT:
                    self.unlist(operator)
                if was == IDLE:
                    self.free(operator, now)
        else:
            self.break_due[operator] = 0
            if self.on_break[operator]:
                self.break_ends(operator, now)
                self.at_work += 1
                self.free(operator, now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def break_ends(self, operator: cython.int, now: cython.double) -> cython.void:
        self.on_break[operator] = 0
        self.work_times[self.task_row[operator], 1] = now

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def list_as(self, operator: cython.int, line: cython.int) -> cython.void:
        self.people.append(line, operator)
        self.listed[operator] = line
        if line == IDLE:
            self.idle += 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def unlist(self, operator: cython.int) -> cython.void:
        """Off the list that he is on, if he is on one."""
        line: cython.int = self.listed[operator]
        if line == NOWHERE:
            return
        self.people.remove(line, operator)
        self.listed[operator] = NOWHERE
        if line == IDLE:
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
    """Rows into the order of their numbers, equal ones as they came (a counting sort). `start`: zeros, one a number."""
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
        if words.shape[1] == 4:  # intervals of operators, the most rows that there are
            sorted_words[to, 0] = words[row, 0]
            sorted_words[to, 1] = words[row, 1]
            sorted_words[to, 2] = words[row, 2]
            sorted_words[to, 3] = words[row, 3]
            continue
        for word in range(words.shape[1]):
            sorted_words[to, word] = words[row, word]


def sorted_rows(rows: Rows, field: str, numbers: int) -> Rows:
    """A copy of `rows` by `field`, whose values are 0 ... `numbers` - 1; rows are whole words of 64 bits."""
    made = np.empty_like(rows)
    number: cython.const[cython.int][:] = rows[field]
    start: cython.int[::1] = np.zeros(numbers, dtype=np.int32)
    words: cython.const[cython.longlong][:, ::1] = table(rows, np.int64)
    sorted_words: cython.longlong[:, ::1] = table(made, np.int64)
    with cython.nogil:
        by_number(number, start, words, sorted_words)
    return made


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def serve_in_order(
    agenda: Agenda,
    ready: cython.const[cython.double][:],
    work: cython.const[cython.double][:],
    begun: cython.double[::1],
) -> cython.void:
    which: cython.int
    for which in range(ready.shape[0]):
        start: cython.double = agenda.at[0]
        if start < ready[which]:
            start = ready[which]
        begun[which] = start
        agenda.replace_first(start + work[which], WORK_END, 0)


def serve(ready: Floats, work: Floats, people: int) -> Floats:
    """`second_level.serve`, compiled."""
    agenda = Agenda(people)
    person: cython.int
    for person in range(people):
        agenda.add(0.0, WORK_END, person)
    begun: Floats = np.empty(len(ready))
    when: cython.const[cython.double][:] = ready
    needed: cython.const[cython.double][:] = work
    starts: cython.double[::1] = begun
    with cython.nogil:
        serve_in_order(agenda, when, needed, starts)
    return begun


def simulate(inputs: Inputs) -> Records:
    """Run one period until nothing can happen any more, and return what did: the record of `model.simulate`."""
    blank = Blank(inputs)
    room = Room(inputs, blank)
    room.run(is_plain(inputs))
    calls = whole_calls(inputs, blank.calls, room.call_rows)
    if room.call_rows > len(inputs.call_at):
        calls = sorted_rows(calls, "entity", len(inputs.call_at) + len(inputs.closed_at))
    callbacks = blank.callbacks[: room.callback_rows]
    return Records(
        calls=calls,
        mails=blank.mails,
        callbacks=taken(callbacks, np.argsort(callbacks["entity"], kind="stable")),
        work=sorted_rows(blank.work[: room.work_rows], "operator", inputs.n_operators),
        second=second_level(inputs, calls, blank.mails, serve),
    )
