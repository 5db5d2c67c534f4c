"""What one transaction of the intake writes: facts, and all that follows from those that are new."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, time
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Column, Connection, bindparam, delete, insert, select, tuple_, update

from ivr.facts import Fact
from registry.db import schema
from registry.db.topics import OTHER
from registry.intake.call_story import KINDS, Story, story
from registry.intake.message_lookup import Asked, Left
from registry.keys import Keys
from registry.people import contacts, phone_numbers
from registry.people.contacts import Identity
from registry.requests.clocks import Rules
from registry.requests.store import Opening, only_opener, open_requests

ACTOR = "intake"
ANONYMOUS = "anonymous"  # in the data of an answer that leads back to nobody
ASKED = 500  # values in one IN
AHEAD_SECONDS = 86400.0  # a fact so far ahead of our clock is from a switch whose clock is wrong
EARLIEST = 1451606400.0  # 2016, when the service began: a clock that says less is wrong
TOPIC = re.compile(r"[A-Z][A-Z0-9_]{0,39}")

T = TypeVar("T")


class Taken(NamedTuple):
    """What was done."""

    segments: int = 0
    facts: int = 0  # new ones
    repeated: int = 0
    poison: int = 0  # lines and files set aside
    out_of_time: int = 0  # facts from the future, or from before there was a service
    requests: int = 0
    messages: int = 0
    unknown_messages: int = 0  # that no store knows: there is no number to call back
    corrected: int = 0

    def plus(self, other: Taken) -> Taken:
        return Taken(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Told(NamedTuple):
    """A message, with what the store says of it."""

    call: str
    fact: Fact
    left: Left | None


class Batch:
    """One transaction. `now` bounds what a wrong clock may say: nothing can have been opened after it."""

    def __init__(self, connection: Connection, keys: Keys, rules: Rules, asked: Asked, now: float) -> None:
        self._connection = connection
        self._keys = keys
        self._rules = rules
        self._asked = asked
        self._now = now
        self.known: set[str] = set()  # ids of facts that were there before
        self.anonymous: dict[str, Fact] = {}  # by the id of an answer as it was told: the answer as it is kept

    def take(self, facts: Iterable[Fact]) -> Taken:
        given = self._without_callers(list(facts))
        rows = {row["fact_id"]: (fact, row) for fact in given for row in [self._row(fact)]}
        stored = set(self._found(schema.call_fact.c.fact_id, rows))
        fresh = [pair for name, pair in rows.items() if name not in stored]
        new = sorted((fact for fact, _ in fresh), key=lambda fact: (fact.at, fact.id))
        self.known = {fact.id for fact, row in rows.values() if row["fact_id"] in stored}
        touched = {fact.call for fact in new if fact.kind in KINDS}
        stories = self._stories(touched, new)
        if fresh:
            self._connection.execute(insert(schema.call_fact), [row for _, row in fresh])
        requests, messages, unknown = self._open(stories)
        corrected = self._correct(stories)
        self._record(stories)
        self._answers([fact for fact in new if fact.kind == "survey"])
        late = sum(not EARLIEST <= fact.at <= self._now + AHEAD_SECONDS for fact in new)
        return Taken(
            facts=len(new), repeated=len(given) - len(new), out_of_time=late, requests=requests, messages=messages,
            unknown_messages=unknown, corrected=corrected,
        )  # fmt: skip

    # --- facts

    def _without_callers(self, facts: list[Fact]) -> list[Fact]:
        """The same; of answers to the survey only the day is left, and in place of the call a hash of it.

        Nobody can make that hash again when the day is over. An answer that has it already stays as it is.
        """
        told = [fact for fact in facts if fact.kind == "survey" and ANONYMOUS not in fact.data]
        salts = self._salts({self._day(fact.at) for fact in told}) if told else {}
        for fact in told:
            kept = {key: fact.data[key] for key in ("version", "question", "value")}
            secret = f"{kept['version']} {fact.call}".encode()
            response = hmac.new(salts[self._day(fact.at)], secret, hashlib.sha256).hexdigest()[:32]
            name = self._keys.pseudonym(f"survey {fact.id}")
            self.anonymous[fact.id] = Fact(
                name, response, self._day_began(fact.at), "survey", {**kept, ANONYMOUS: True}
            )
        return [self.anonymous.get(fact.id, fact) if fact.kind == "survey" else fact for fact in facts]

    def _row(self, fact: Fact) -> dict[str, Any]:
        survey = fact.kind == "survey"
        data = {key: fact.data[key] for key in ("version", "question", "value")} if survey else fact.data
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        call = "" if survey else fact.call
        return {"fact_id": fact.id, "call_id": call, "at": float(fact.at), "kind": fact.kind, "data": text}

    def _stories(self, calls: set[str], new: list[Fact]) -> dict[str, Story]:
        """What the touched calls amount to, by all that is known of them."""
        table = schema.call_fact
        known: dict[str, list[Fact]] = {call: [] for call in sorted(calls)}
        for some in _chunks(calls):
            wanted = select(table).where(table.c.call_id.in_(some), table.c.kind.in_(KINDS))
            for name, call, at, kind, data in self._connection.execute(wanted):
                known[call].append(Fact(name, call, at, kind, json.loads(data)))
        for fact in new:
            if fact.call in known:
                known[fact.call].append(fact)
        return {call: self._with_topic(story(facts)) for call, facts in known.items()}

    def _with_topic(self, told: Story) -> Story:
        return told if TOPIC.fullmatch(told.topic) else told._replace(topic=OTHER)

    # --- requests

    def _open(self, stories: dict[str, Story]) -> tuple[int, int, int]:
        """Requests that there are not yet: how many, how many of them messages, how many of these no store knows."""
        ended = [call for call, told in stories.items() if told.outcome]
        if ended:
            only_opener(self._connection)
        has_one = self._calls_with_requests(ended)
        openings: list[tuple[Opening, Told | None]] = []
        for call in ended:
            told = stories[call]
            if call not in has_one:
                at = self._when(told.over_at)
                openings.append((Opening("phone", told.topic, at, ACTOR, call_id=call, outcome=told.outcome), None))
        messages = list(self._new_messages(stories))
        openings += [(self._opening(each, stories[each.call].topic), each) for each in messages]
        openings.sort(key=lambda pair: (pair[0].at, pair[0].call_id or ""))
        self._add_topics({opening.topic for opening, _ in openings})
        found = open_requests(self._connection, self._rules, [opening for opening, _ in openings]) if openings else []
        left = [(request, each) for request, (_, each) in zip(found, openings, strict=True) if each is not None]
        if left:
            rows = [_message_row(request.request_id, each, request.opened_at) for request, each in left]
            self._connection.execute(insert(schema.voicemail_message), rows)
        work = [
            {"request_id": request.request_id, "state": "waiting", "next_try_at": request.opened_at}
            for request, _ in left
            if request.state != "closed"
        ]
        if work:
            self._connection.execute(insert(schema.callback), work)
        return len(found), len(messages), sum(each.left is None for each in messages)

    def _calls_with_requests(self, calls: Sequence[str]) -> set[str]:
        """Calls of which a request was made already, by us or by the operator. A message is a request of its own."""
        table, found = schema.request, set()
        for some in _chunks(calls):
            wanted = select(table.c.call_id).where(table.c.call_id.in_(some), table.c.channel != "voicemail")
            found |= set(self._connection.execute(wanted).scalars())
        return found

    def _new_messages(self, stories: dict[str, Story]) -> Iterator[Told]:
        told = {name: (call, fact) for call, each in stories.items() for name, fact in each.messages.items()}
        known = set(self._found(schema.voicemail_message.c.message_id, told))
        for name, (call, fact) in told.items():
            if name not in known:
                yield Told(call, fact, self._asked(name))

    def _opening(self, told: Told, topic: str) -> Opening:
        at = self._when(told.left.left_at if told.left else told.fact.at)
        number = told.left.number if told.left else None
        phone = phone_numbers.e164(number)
        contact = None
        if phone is not None:
            contact = contacts.identify(self._connection, self._keys, Identity(phone=phone), ACTOR, self._now)
        nothing = told.fact.data["empty"] and number is None  # nobody to call back, and nothing was said
        outcome = "unreachable" if nothing else None
        return Opening("voicemail", topic, at, ACTOR, call_id=told.call, contact_id=contact, outcome=outcome)

    def _add_topics(self, wanted: set[str]) -> None:
        """A topic that the menu has had since we began is not lost; it is called by its code."""
        known = set(self._found(schema.topic.c.topic_code, wanted))
        rows = [{"topic_code": each, "label_it": each, "label_en": each} for each in sorted(wanted - known)]
        if rows:
            self._connection.execute(insert(schema.topic), rows)

    def _correct(self, stories: dict[str, Story]) -> int:
        """The topic of requests that we opened and nobody has touched, when a fact that came later tells it better."""
        request, event = schema.request, schema.request_event
        latest = (event.c.request_id == request.c.request_id) & (event.c.seq == request.c.version)
        changes = []
        for some in _chunks(stories):
            wanted = (
                select(request.c.request_id, request.c.call_id, request.c.topic_code)
                .join(event, latest & (event.c.actor_ref == ACTOR))
                .where(request.c.call_id.in_(some))
            )
            for name, call, topic in self._connection.execute(wanted):
                if topic != stories[call].topic:
                    changes.append({"name": name, "topic": stories[call].topic})
        self._add_topics({each["topic"] for each in changes})
        if changes:
            same = request.c.request_id == bindparam("name")
            self._connection.execute(update(request).where(same).values(topic_code=bindparam("topic")), changes)
        return len(changes)

    # --- recordings

    def _record(self, stories: dict[str, Story]) -> None:
        """The register of recordings: as the facts say now, unless the recording was purged meanwhile."""
        table = schema.recording
        known: dict[str, Any] = {}
        for some in _chunks(stories):
            wanted = select(table).where(table.c.recording_id.in_(some))
            known |= {row.recording_id: row for row in self._connection.execute(wanted)}
        for call, told in stories.items():
            row, before = _recording(call, told), known.get(call)
            if before is not None and (before.purged_at is not None or row == _as_found(before)):
                continue
            if before is not None:
                self._connection.execute(delete(table).where(table.c.recording_id == call))
            if row is not None:
                self._connection.execute(insert(table), row)

    # --- survey

    def _answers(self, facts: list[Fact]) -> None:
        """Answers of one call are one response: what stands for the call is its name."""
        if not facts:
            return
        responses: dict[str, dict[str, Any]] = {}
        answers: dict[tuple[str, str], int] = {}
        for fact in facts:
            version, value = fact.data["version"], fact.data["value"]
            row = {"response_id": fact.call, "version": version, "taken_on": self._day(fact.at)}
            responses[fact.call] = row
            # Told twice with two values: the lower one, so that the order in which they came does not matter.
            key = (fact.call, fact.data["question"])
            answers[key] = min(value, answers.get(key, value))
        known = set(self._found(schema.survey_response.c.response_id, responses))
        rows = [row for name, row in sorted(responses.items()) if name not in known]
        if rows:
            self._connection.execute(insert(schema.survey_response), rows)
        self._answer(answers)

    def _answer(self, answers: dict[tuple[str, str], int]) -> None:
        table = schema.survey_answer
        known: dict[tuple[str, str], int] = {}
        for some in _chunks(answers):
            wanted = select(table).where(tuple_(table.c.response_id, table.c.question).in_(some))
            known |= {(row.response_id, row.question): row.value for row in self._connection.execute(wanted)}
        fresh = [{"response_id": name, "question": question, "value": value}
                 for (name, question), value in sorted(answers.items()) if (name, question) not in known]  # fmt: skip
        if fresh:
            self._connection.execute(insert(table), fresh)
        for (name, question), value in answers.items():
            if value < known.get((name, question), value):
                same = (table.c.response_id == name) & (table.c.question == question)
                self._connection.execute(update(table).where(same).values(value=value))

    def _salts(self, days: set[str]) -> dict[str, bytes]:
        table = schema.survey_salt
        found = {row.day: row.salt for row in self._connection.execute(select(table).where(table.c.day.in_(days)))}
        fresh = {day: os.urandom(32) for day in days - found.keys()}
        if fresh:
            self._connection.execute(insert(table), [{"day": day, "salt": salt} for day, salt in fresh.items()])
        return found | fresh

    # --- time, and finding

    def _when(self, at: float) -> float:
        """When something happened, as far as it can be: a switch's clock may be wrong by years."""
        return min(at, self._now) if at >= EARLIEST else self._now

    def _day(self, at: float) -> str:
        return self._rules.hours.local(self._when(at)).date().isoformat()

    def _day_began(self, at: float) -> float:
        local = self._rules.hours.local(self._when(at))
        return datetime.combine(local.date(), time(), local.tzinfo).timestamp()

    def _found(self, column: Column[str], values: Collection[str]) -> Iterator[str]:
        """Which of the values a column has."""
        for some in _chunks(values):
            yield from self._connection.execute(select(column).where(column.in_(some))).scalars()


def _chunks(values: Collection[T]) -> Iterator[list[T]]:
    """No database takes any number of values in one IN."""
    every = list(values)
    for start in range(0, len(every), ASKED):
        yield every[start : start + ASKED]


def _message_row(request_id: str, told: Told, at: float) -> dict[str, Any]:
    data = told.fact.data
    return {
        "message_id": data["message_id"],
        "request_id": request_id,
        "call_id": told.call,
        "reason": data["reason"],
        "left_at": at,
        "seconds": data["seconds"],
        "empty": int(data["empty"]),
    }


def _recording(call: str, told: Story) -> dict[str, Any] | None:
    """The row of a call's recording, which lies under the call's name (`nul-recording` of the dialplan)."""
    if told.recorded is None:
        return None
    campaign, prompts, notice, started = told.recorded
    return {
        "recording_id": call,
        "call_id": call,
        "campaign": campaign,
        "notice_prompts": json.dumps(prompts, sort_keys=True),
        "notice_ended_at": notice,
        "started_at": started,
        "audio_ref": f"{call}.wav",
    }


def _as_found(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "purged_at"}
