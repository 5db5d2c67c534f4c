"""Write the records of a run as Parquet files, for analysis with pandas or any other tool.

There is one file each for calls, e-mails, call-backs, operators, the second level and the measures, over all
replications. Instants are time stamps in the service's time zone, durations are seconds, and each column has a
description. Fates are those of `charter.kpi`, so its formulas give the printed measures.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from charter.kpi_definitions import DEFINITIONS
from common.command_line import Refusal
from common.safe_files import drafts
from queue_model.runs.batches import StudyRun
from queue_model.runs.measures.estimates import Figure
from queue_model.runs.measures.measurer import call_instants
from queue_model.runs.measures.visits import FATES, waits
from queue_model.runs.replication import Result
from queue_model.simulation.builder import ReplicationInputs
from queue_model.simulation.engines import engine
from queue_model.simulation.records import Outcome, Records, Source, Work

Values = NDArray[Any]
Columns = dict[str, Values]

CLOSED = "closed"  # the fate of calls outside hours, which are not visits and belong to no measure
FATE_NAMES = [FATES.get(each, CLOSED) for each in Outcome]
ROWS = 250_000  # rows collected before they are written; small row groups are slow to read
INSTANT, SECONDS, FLAG, TOPICS = "instant", "seconds", "flag", "topics"  # kinds of columns besides plain numbers


class Column(NamedTuple):
    """A column. `kind`: one of the kinds above, an Arrow type, or the names that its numbers stand for."""

    name: str
    kind: str | list[str]
    about: str


_RUN = Column("replication", "int32", "which run of the period, from 0")
_TOPIC = Column("topic", TOPICS, "what the citizen asks about")
_OPERATOR = Column("operator", "int32", "number of the operator, from 0; null: none")
_CALL = Column("call", "int32", "the caller, from 0 within the replication; the same in every attempt")
_ATTEMPT = Column("attempt", "int16", "0 the first call; 1, 2 ... redials")
_DUE = Column("due", INSTANT, "the last instant in time, as the Carta promises; null: beyond the period")
_IN_TIME = Column("in_time", FLAG, "answered by then")
SCHEMAS: dict[str, list[Column]] = {
    "calls": [
        _RUN, _CALL, _ATTEMPT, _TOPIC,
        Column("priority", "int16", "higher is served first"),
        Column("entered", INSTANT, "when the caller reached the queue, or the voicemail outside hours"),
        Column("left", INSTANT, "when the caller left the queue, or the talk ended; null: not in the period"),
        Column("fate", FATE_NAMES, "as in charter.kpi; closed: called outside hours, not a visit"),
        Column("wait_seconds", SECONDS, "from entering to the answer or to leaving; null outside hours"),
        Column("talk_seconds", SECONDS, "null unless answered"),
        Column("wrap_seconds", SECONDS, "work after the talk; null unless answered"),
        _OPERATOR,
        Column("message", FLAG, "left a message and is called back"),
        Column("measured", FLAG, "counts in the measures: in hours, and after the warm-up days"),
    ],
    "emails": [
        _RUN, Column("email", "int32", "from 0 within the replication"), _TOPIC,
        Column("arrived", INSTANT, "when it came"),
        Column("started", INSTANT, "when an operator began it, the last time; null: not in the period"),
        Column("ended", INSTANT, "when it was answered or handed over; null: not in the period"),
        _DUE, _IN_TIME, _OPERATOR,
        Column("handed_over", FLAG, "goes to the second level"),
        Column("measured", FLAG, "counts in on_time_email: due in the measured days, and not handed over in time"),
    ],
    "callbacks": [
        _RUN, _CALL, _ATTEMPT, _TOPIC,
        Column("created", INSTANT, "when the message was left"),
        Column("started", INSTANT, "when the call-back began; null: not in the period"),
        Column("ended", INSTANT, "when the call-back ended; null: not in the period"),
        _DUE, _IN_TIME, _OPERATOR,
        Column("measured", FLAG, "counts in on_time_callback: due in the measured days"),
    ],
    "operators": [
        _RUN, Column("operator", "int32", "from 0 within the replication"),
        Column("kind", [each.name.lower() for each in Work], "call: talk and wrap-up; seated: contains all others"),
        Column("start", INSTANT, "when it began"),
        Column("end", INSTANT, "when it ended; null: not in the period"),
        Column("reference", "int32", "the call or e-mail; null: neither"),
        _ATTEMPT,
    ],
    "second_level": [
        _RUN, Column("source", [each.name.lower() for each in Source], "where the request came from"),
        Column("reference", "int32", "the number of that call or e-mail"), _ATTEMPT,
        Column("asked", INSTANT, "when the citizen called or wrote: the clock starts"),
        Column("created", INSTANT, "when it was handed over; null: not in the period"),
        Column("started", INSTANT, "when work on it began; null: never"),
        Column("ended", INSTANT, "when it was answered; null: never"),
        _DUE, _IN_TIME,
        Column("measured", FLAG, "counts in on_time_second_level: due in the measured days"),
    ],
    "measures": [
        Column("part", "string", "whole, half-hour, weekday, day or topic"),
        Column("group", "string", "the half-hour, weekday, day or topic; empty for the whole"),
        Column("measure", "string", "its name in charter.kpi_definitions"),
        Column("kind", "string", "share (0 to 1) or seconds"),
        Column("value", "float64", "null: nothing to measure, or no steady state"),
        Column("low", "float64", "lower end of the 95 % interval"),
        Column("high", "float64", "upper end of the 95 % interval"),
        Column("numerator", "float64", "over all replications"),
        Column("denominator", "float64", "over all replications"),
    ],
}  # fmt: skip


def make_folder(path: str) -> None:
    """Create the folder before a long simulation begins. Raises `Refusal`."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as problem:
        raise Refusal(f"--parquet {path}: cannot be created: {problem.strerror}; choose another folder") from None


def deliver(result: Result, figures: Iterable[Figure], folder: str) -> None:
    """Write all files. Files of an earlier run are replaced when all new ones are complete. Raises `Refusal`.

    The replications are simulated again, one after the other, so that memory does not grow with their number.
    """
    try:
        with _files(folder) as paths, contextlib.ExitStack() as stack:
            schemas = {name: _schema(columns, result) for name, columns in SCHEMAS.items()}
            writers = {
                name: stack.enter_context(_Writer(paths[name], schema, _names(SCHEMAS[name], result)))
                for name, schema in schemas.items()
            }
            for name, columns in _rows(result):
                writers[name].add(columns)
            writers["measures"].add(_measures(list(figures)))
    except OSError as problem:
        remedy = "free some space, or choose another folder; earlier files are unchanged"
        why = f"not written: {problem.strerror or problem}; {remedy}"
        raise Refusal(f"--parquet {folder}: {why}") from None


# --- rows ------------------------------------------------------------------------------------------------------------


def _rows(result: Result) -> Iterator[tuple[str, Columns]]:
    """The columns of every table, replication by replication."""
    name, simulate = engine(result.engine)
    run = StudyRun(result.study, result.seed, name)
    for replication in range(result.replications):
        built = run.builder.inputs(replication, result.seed)
        for table, columns in _tables(result, built, simulate(built.inputs)).items():
            rows = len(next(iter(columns.values())))
            yield table, {"replication": np.full(rows, replication), **columns}


def _tables(result: Result, built: ReplicationInputs, records: Records) -> dict[str, Columns]:
    made = {
        "calls": _calls(result, records),
        "emails": _emails(result, built, records),
        "callbacks": _callbacks(result, records),
        "operators": _plain(records.work),
        "second_level": _second_level(result, built, records),
    }
    origin = result.study.period.origin
    for name, columns in made.items():
        for column in SCHEMAS[name]:
            if column.kind == INSTANT:
                columns[column.name] = columns[column.name] + origin
    return made


def _plain(rows: Values, **called: str) -> Columns:
    return {called.get(name, name): rows[name] for name in rows.dtype.names or ()}


def _calls(result: Result, records: Records) -> Columns:
    calls = records.calls
    answered, closed = (calls["outcome"] == each for each in (Outcome.ANSWERED, Outcome.VOICEMAIL_CLOSED))
    in_service = result.study.period.is_open(calls["entered"])
    return {
        **_plain(calls, entity="call", outcome="fate"),
        "wait_seconds": np.where(closed, np.nan, waits(calls, result.measurer.end)),
        "talk_seconds": np.where(answered, calls["talk"], np.nan),
        "wrap_seconds": np.where(answered, calls["wrap"], np.nan),
        "measured": ~closed & in_service & (calls["entered"] >= result.measurer.start),
    }


def _emails(result: Result, built: ReplicationInputs, records: Records) -> Columns:
    mails, measurer = records.mails, result.measurer
    due = measurer.due(result.study.promises["on_time_email"], mails["arrived"])
    in_time = mails["ended"] <= due
    handed = built.inputs.mail_second_level[mails["entity"]]
    measured = (due >= measurer.start) & (due < measurer.end) & ~(handed & in_time)
    found = _plain(mails, entity="email")
    return {**found, "due": due, "in_time": in_time, "handed_over": handed, "measured": measured}


def _callbacks(result: Result, records: Records) -> Columns:
    measurer, rows = result.measurer, records.callbacks
    due = measurer.due(result.study.promises["on_time_callback"], rows["created"])
    measured = (due >= measurer.start) & (due < measurer.end)
    return {**_plain(rows, entity="call"), "due": due, "in_time": rows["started"] <= due, "measured": measured}


def _second_level(result: Result, built: ReplicationInputs, records: Records) -> Columns:
    """Requests from calls, then those from e-mails, including e-mails not read yet."""
    mine = records.second["source"] == Source.EMAIL
    calls, mails = records.second[~mine], records.mails[built.inputs.mail_second_level[records.mails["entity"]]]
    place = np.full(len(built.inputs.mail_at), -1)
    place[records.second["entity"][mine]] = np.flatnonzero(mine)
    at = place[mails["entity"]]

    def both(name: str) -> Values:
        theirs = np.full(len(mails), np.nan)
        theirs[at >= 0] = records.second[name][at[at >= 0]]
        return np.concatenate((calls[name], theirs))

    begun = np.concatenate((call_instants(records.calls, calls), mails["arrived"]))
    due, ended = result.measurer.due(result.study.promises["on_time_second_level"], begun), both("ended")
    return {
        "source": np.repeat([Source.CALL.value, Source.EMAIL.value], [len(calls), len(mails)]),
        "reference": np.concatenate((calls["entity"], mails["entity"])),
        "attempt": np.concatenate((calls["attempt"], np.zeros(len(mails), dtype=np.int16))),
        "asked": begun,
        "created": both("created"),
        "started": both("started"),
        "ended": ended,
        "due": due,
        "in_time": ended <= due,
        "measured": (due >= result.measurer.start) & (due < result.measurer.end),
    }


def _measures(figures: Sequence[Figure]) -> Columns:
    def floats(values: Iterable[float | None]) -> Values:
        return np.array([np.nan if each is None else each for each in values], dtype=np.float64)

    shown = [replace(each.estimate, value=None) if each.no_steady_state else each.estimate for each in figures]
    return {
        "part": np.array([each.part for each in figures], dtype=object),
        "group": np.array([each.group for each in figures], dtype=object),
        "measure": np.array([each.name for each in shown], dtype=object),
        "kind": np.array([DEFINITIONS[each.name].kind for each in shown], dtype=object),
        "value": floats(each.value for each in shown),
        "low": floats(each.low for each in shown),
        "high": floats(each.high for each in shown),
        "numerator": floats(each.numerator for each in shown),
        "denominator": floats(each.denominator for each in shown),
    }


# --- files -----------------------------------------------------------------------------------------------------------


def _schema(columns: list[Column], result: Result) -> Any:
    """The Arrow schema: each column with its description, the file with the parameters of the run."""
    study, zone = result.study, str(result.study.hours.zone)
    kinds = {INSTANT: pa.timestamp("us", tz=zone), SECONDS: pa.float64(), FLAG: pa.bool_()}

    def kind(column: Column) -> Any:
        if isinstance(column.kind, list) or column.kind == TOPICS:
            return pa.dictionary(pa.int16(), pa.string())
        return kinds.get(column.kind) or pa.type_for_alias(column.kind)

    about = {
        "scenario": study.scenario.title, "first": study.period.first.isoformat(), "days": str(study.period.days),
        "replications": str(result.replications), "seed": str(result.seed), "engine": result.engine,
        "configuration": study.compiled["revision"], "topics": "\n".join(study.topics),
    }  # fmt: skip
    fields = [pa.field(each.name, kind(each), metadata={"description": each.about}) for each in columns]
    return pa.schema(fields, metadata=about)


def _names(columns: list[Column], result: Result) -> dict[str, list[str]]:
    """The names that numbers stand for, by column."""
    topics = {each.name: list(result.study.topics) for each in columns if each.kind == TOPICS}
    return topics | {each.name: each.kind for each in columns if isinstance(each.kind, list)}


class _Writer:
    """Writes one file; rows are collected until they fill a row group."""

    def __init__(self, path: str, schema: Any, names: Mapping[str, list[str]]) -> None:
        self.schema, self.names = schema, names
        self.batches: list[Any] = []
        self.rows = 0
        self.writer = pq.ParquetWriter(path, schema, compression="zstd")

    def add(self, columns: Columns) -> None:
        arrays = [_array(columns[each.name], each.type, self.names.get(each.name)) for each in self.schema]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        self.batches.append(batch)
        self.rows += batch.num_rows
        if self.rows >= ROWS:
            self.flush()

    def flush(self) -> None:
        self.writer.write_table(pa.Table.from_batches(self.batches, schema=self.schema))
        self.batches, self.rows = [], 0

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self.writer.close()


def _array(values: Values, kind: Any, names: list[str] | None) -> Any:
    """An Arrow array. NaN, an instant that never comes, and a negative number (no operator, no call) become null."""
    if names is not None:
        return pa.DictionaryArray.from_arrays(pa.array(values.astype(np.int16)), pa.array(names))
    if pa.types.is_timestamp(kind):
        never = ~np.isfinite(values)
        return pa.array(np.round(np.where(never, 0.0, values) * 1e6).astype(np.int64), mask=never).cast(kind)
    if values.dtype.kind == "f":
        return pa.array(values, type=kind, mask=np.isnan(values))
    if values.dtype.kind == "i":
        return pa.array(values, type=kind, mask=values < 0)
    return pa.array(values, type=kind)


@contextlib.contextmanager
def _files(folder: str) -> Iterator[dict[str, str]]:
    """The path of a draft for each file; the drafts replace the files when all are written."""
    with drafts(os.path.join(folder, f"{name}.parquet") for name in SCHEMAS) as paths:
        yield dict(zip(SCHEMAS, paths, strict=True))
