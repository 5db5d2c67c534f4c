"""One transaction of the intake: it writes facts, and everything that follows from the new ones."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, time
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Column, Connection, bindparam, delete, exists, insert, select, tuple_, update

from ivr.facts import Fact
from registry.db import schema
from registry.db.topics import OTHER
from registry.intake.call_summary import KINDS, CallSummary, summarize
from registry.intake.message_lookup import MessageLookup, StoredMessage
from registry.keys import Keys
from registry.people import contacts, phone_numbers
from registry.people.contacts import Identity
from registry.requests.clocks import Rules
from registry.requests.opening import Opening, lock_openings, open_requests

ACTOR = "intake"
SINGLE = frozenset(("answered", "ended"))  # the kinds of fact of which a call has one, whatever happens
ANONYMOUS = "anonymous"  # in the data of an answer that cannot be traced to a call
MOST_VALUES = 500  # in one IN
AHEAD_SECONDS = 86400.0  # a fact further ahead of our clock comes from a switch with a wrong clock
EARLIEST = 1451606400.0  # 2016, when the service began: an earlier clock is wrong
TOPIC = re.compile(r"[A-Z][A-Z0-9_]{0,39}")

T = TypeVar("T")


class IntakeCounts(NamedTuple):
    """What the intake did."""

    segments: int = 0
    facts: int = 0  # new ones
    repeated: int = 0
    poison: int = 0  # lines and files set aside
    out_of_time: int = 0  # facts from the future, or from before the service began
    requests: int = 0
    messages: int = 0
    unknown_messages: int = 0  # unknown to the message store: there is no number to call back
    corrected: int = 0

    def plus(self, other: IntakeCounts) -> IntakeCounts:
        return IntakeCounts(*(a + b for a, b in zip(self, other, strict=True)))


class NewMessage(NamedTuple):
    """A message, and what the message store knows about it."""

    call: str
    fact: Fact
    stored: StoredMessage | None


class Batch:
    """One transaction. `now` limits the damage of a wrong clock: nothing can have been opened later."""

    def __init__(self, connection: Connection, keys: Keys, rules: Rules, lookup: MessageLookup, now: float) -> None:
        self._connection = connection
        self._keys = keys
        self._rules = rules
        self._lookup = lookup
        self._now = now
        self.known: set[str] = set()  # ids of facts that the database had already
        self.anonymous: dict[str, Fact] = {}  # the stored form of a survey answer, by the id of its fact

    def take_in(self, facts: Iterable[Fact]) -> IntakeCounts:
        """Store the new facts, and open or correct what follows from them."""
        every = self._anonymize(list(facts))
        rows: dict[str, tuple[Fact, dict[str, Any]]] = {}
        for fact in every:
            row = self._row(fact)
            rows.setdefault(row["fact_id"], (fact, row))  # of two with one id, the first that was written
        stored = set(self._existing(schema.call_fact.c.fact_id, rows))
        fresh = self._single([pair for name, pair in rows.items() if name not in stored])
        new = sorted((fact for fact, _ in fresh), key=lambda fact: (fact.at, fact.id))
        self.known = {fact.id for fact, row in rows.values() if row["fact_id"] in stored}
        touched = {fact.call for fact in new if fact.kind in KINDS}
        summaries = self._summaries(touched, new)
        if fresh:
            self._connection.execute(insert(schema.call_fact), [row for _, row in fresh])
        requests, messages, unknown = self._open(summaries)
        corrected = self._correct_topics(summaries)
        self._save_recordings(summaries)
        self._save_responses([fact for fact in new if fact.kind == "survey"])
        implausible = sum(not EARLIEST <= fact.at <= self._now + AHEAD_SECONDS for fact in new)
        return IntakeCounts(
            facts=len(new), repeated=len(every) - len(new), out_of_time=implausible, requests=requests,
            messages=messages, unknown_messages=unknown, corrected=corrected,
        )  # fmt: skip

    # --- facts

    def _single(self, fresh: list[tuple[Fact, dict[str, Any]]]) -> list[tuple[Fact, dict[str, Any]]]:
        """Leave out a second beginning or end of a call, whatever sent it: the first one stays."""
        calls = {fact.call for fact, _ in fresh if fact.kind in SINGLE}
        table = schema.call_fact
        seen: set[tuple[str, str]] = set()
        for some in _chunks(calls):
            query = select(table.c.call_id, table.c.kind).where(table.c.call_id.in_(some), table.c.kind.in_(SINGLE))
            seen |= {(row.call_id, row.kind) for row in self._connection.execute(query)}
        kept = []
        for fact, row in sorted(fresh, key=lambda pair: (pair[0].at, pair[0].id)):
            if (fact.call, fact.kind) not in seen:
                kept.append((fact, row))
            if fact.kind in SINGLE:
                seen.add((fact.call, fact.kind))
        return kept

    def _anonymize(self, facts: list[Fact]) -> list[Fact]:
        """Return the facts; survey answers keep only their day, and a hash in place of their call.

        The hash cannot be computed again when the day is over. An answer that has it already is unchanged.
        """
        answers = [fact for fact in facts if fact.kind == "survey" and ANONYMOUS not in fact.data]
        salts = self._salts({self._day(fact.at) for fact in answers}) if answers else {}
        for fact in answers:
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

    def _summaries(self, calls: set[str], new: list[Fact]) -> dict[str, CallSummary]:
        """Summarize the calls, each from all its known facts."""
        table = schema.call_fact
        known: dict[str, list[Fact]] = {call: [] for call in sorted(calls)}
        for some in _chunks(calls):
            query = select(table).where(table.c.call_id.in_(some), table.c.kind.in_(KINDS))
            for name, call, at, kind, data in self._connection.execute(query):
                known[call].append(Fact(name, call, at, kind, json.loads(data)))
        for fact in new:
            if fact.call in known:
                known[fact.call].append(fact)
        return {call: self._with_topic(summarize(facts)) for call, facts in known.items()}

    def _with_topic(self, summary: CallSummary) -> CallSummary:
        return summary if TOPIC.fullmatch(summary.topic) else summary._replace(topic=OTHER)

    # --- requests

    def _open(self, summaries: dict[str, CallSummary]) -> tuple[int, int, int]:
        """Open missing requests; return how many, how many of them messages, and how many messages are unknown."""
        ended = [call for call, summary in summaries.items() if summary.outcome]
        if ended:
            lock_openings(self._connection)
        has_request = self._calls_with_requests(ended)
        openings: list[tuple[Opening, NewMessage | None]] = []
        for call in ended:
            summary = summaries[call]
            if call not in has_request:
                at = self._plausible(summary.ended_at)
                opening = Opening("phone", summary.topic, at, ACTOR, call_id=call, outcome=summary.outcome)
                openings.append((opening, None))
        messages = list(self._new_messages(summaries))
        openings += [(self._opening(message, summaries[message.call].topic), message) for message in messages]
        openings.sort(key=lambda pair: (pair[0].at, pair[0].call_id or ""))
        self._add_topics({opening.topic for opening, _ in openings})
        requests = open_requests(self._connection, self._rules, [each for each, _ in openings]) if openings else []
        with_message = [
            (request, message) for request, (_, message) in zip(requests, openings, strict=True) if message is not None
        ]
        if with_message:
            rows = [_message_row(request.request_id, message, request.opened_at) for request, message in with_message]
            self._connection.execute(insert(schema.voicemail_message), rows)
        return len(requests), len(messages), sum(message.stored is None for message in messages)

    def _calls_with_requests(self, calls: Sequence[str]) -> set[str]:
        """Return the calls that have a request, opened here or by an operator. A message is a request of its own."""
        table, with_request = schema.request, set()
        for some in _chunks(calls):
            query = select(table.c.call_id).where(table.c.call_id.in_(some), table.c.channel != "voicemail")
            with_request |= set(self._connection.execute(query).scalars())
        return with_request

    def _new_messages(self, summaries: dict[str, CallSummary]) -> Iterator[NewMessage]:
        messages = {
            name: (call, fact) for call, summary in summaries.items() for name, fact in summary.messages.items()
        }
        known = set(self._existing(schema.voicemail_message.c.message_id, messages))
        for name, (call, fact) in messages.items():
            if name not in known:
                yield NewMessage(call, fact, self._lookup(name))

    def _opening(self, message: NewMessage, topic: str) -> Opening:
        at = self._plausible(message.stored.left_at if message.stored else message.fact.at)
        number = message.stored.number if message.stored else None
        phone = phone_numbers.to_e164(number)
        contact = None
        if phone is not None:
            contact = contacts.identify(self._connection, self._keys, Identity(phone=phone), ACTOR, self._now)
        useless = message.fact.data["empty"] and number is None  # no recording and no number to call back
        outcome = "unreachable" if useless else None
        return Opening("voicemail", topic, at, ACTOR, call_id=message.call, contact_id=contact, outcome=outcome)

    def _add_topics(self, codes: set[str]) -> None:
        """Add topics that are not in the configuration this intake started with; the label is the code."""
        known = set(self._existing(schema.topic.c.topic_code, codes))
        rows = [{"topic_code": code, "label_it": code, "label_en": code} for code in sorted(codes - known)]
        if rows:
            self._connection.execute(insert(schema.topic), rows)

    def _correct_topics(self, summaries: dict[str, CallSummary]) -> int:
        """Correct the topic of requests after a later fact, if nobody has acted on them; return how many."""
        request, event = schema.request, schema.request_event
        acted = exists().where(
            event.c.request_id == request.c.request_id,
            event.c.actor_ref != ACTOR,
            event.c.action != "recalculate",  # the calendar has changed, not what anybody knows about the request
        )
        changes = []
        for some in _chunks(summaries):
            query = select(request.c.request_id, request.c.call_id, request.c.topic_code).where(
                request.c.call_id.in_(some), ~acted
            )
            for name, call, topic in self._connection.execute(query):
                if topic != summaries[call].topic:
                    changes.append({"name": name, "topic": summaries[call].topic})
        self._add_topics({change["topic"] for change in changes})
        if changes:
            this_one = request.c.request_id == bindparam("name")
            self._connection.execute(update(request).where(this_one).values(topic_code=bindparam("topic")), changes)
        return len(changes)

    # --- recordings

    def _save_recordings(self, summaries: dict[str, CallSummary]) -> None:
        """Update the recordings to match the facts, except those purged meanwhile."""
        table = schema.recording
        known: dict[str, Any] = {}
        for some in _chunks(summaries):
            query = select(table).where(table.c.recording_id.in_(some))
            known |= {row.recording_id: row for row in self._connection.execute(query)}
        for call, summary in summaries.items():
            row, before = _recording_row(call, summary), known.get(call)
            if before is not None and (before.purged_at is not None or row == _without_purge(before)):
                continue
            if before is not None:
                self._connection.execute(delete(table).where(table.c.recording_id == call))
            if row is not None:
                self._connection.execute(insert(table), row)

    # --- survey

    def _save_responses(self, facts: list[Fact]) -> None:
        """Save survey answers. The answers of one call are one response, named by the hash of the call."""
        if not facts:
            return
        responses: dict[str, dict[str, Any]] = {}
        answers: dict[tuple[str, str], int] = {}
        for fact in facts:
            version, value = fact.data["version"], fact.data["value"]
            row = {"response_id": fact.call, "version": version, "taken_on": self._day(fact.at)}
            responses[fact.call] = row
            # Of two values for one question the lower one counts, so that the order of facts does not matter.
            key = (fact.call, fact.data["question"])
            answers[key] = min(value, answers.get(key, value))
        known = set(self._existing(schema.survey_response.c.response_id, responses))
        rows = [row for name, row in sorted(responses.items()) if name not in known]
        if rows:
            self._connection.execute(insert(schema.survey_response), rows)
        self._save_answers(answers)

    def _save_answers(self, answers: dict[tuple[str, str], int]) -> None:
        table = schema.survey_answer
        known: dict[tuple[str, str], int] = {}
        for some in _chunks(answers):
            query = select(table).where(tuple_(table.c.response_id, table.c.question).in_(some))
            known |= {(row.response_id, row.question): row.value for row in self._connection.execute(query)}
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
        known = {row.day: row.salt for row in self._connection.execute(select(table).where(table.c.day.in_(days)))}
        fresh = {day: os.urandom(32) for day in days - known.keys()}
        if fresh:
            self._connection.execute(insert(table), [{"day": day, "salt": salt} for day, salt in fresh.items()])
        return known | fresh

    # --- times and lookups

    def _plausible(self, at: float) -> float:
        """Return a plausible time for an event: a switch's clock may be wrong by years."""
        return min(at, self._now) if at >= EARLIEST else self._now

    def _day(self, at: float) -> str:
        return self._rules.hours.local(self._plausible(at)).date().isoformat()

    def _day_began(self, at: float) -> float:
        local = self._rules.hours.local(self._plausible(at))
        return datetime.combine(local.date(), time(), local.tzinfo).timestamp()

    def _existing(self, column: Column[str], values: Collection[str]) -> Iterator[str]:
        """Yield the values that a column has."""
        for some in _chunks(values):
            yield from self._connection.execute(select(column).where(column.in_(some))).scalars()


def _chunks(values: Collection[T]) -> Iterator[list[T]]:
    """Split values into lists short enough for one IN."""
    every = list(values)
    for start in range(0, len(every), MOST_VALUES):
        yield every[start : start + MOST_VALUES]


def _message_row(request_id: str, message: NewMessage, at: float) -> dict[str, Any]:
    data = message.fact.data
    return {
        "message_id": data["message_id"],
        "request_id": request_id,
        "call_id": message.call,
        "reason": data["reason"],
        "left_at": at,
        "seconds": data["seconds"],
        "empty": int(data["empty"]),
    }


def _recording_row(call: str, summary: CallSummary) -> dict[str, Any] | None:
    """Return the row of a call's recording, a file named by the call (`nul-recording` of the dialplan)."""
    if summary.recorded is None:
        return None
    campaign, prompts, notice, started = summary.recorded
    return {
        "recording_id": call,
        "call_id": call,
        "campaign": campaign,
        "notice_prompts": json.dumps(prompts, sort_keys=True),
        "notice_ended_at": notice,
        "started_at": started,
        "audio_ref": f"{call}.wav",
    }


def _without_purge(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "purged_at"}
