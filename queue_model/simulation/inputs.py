"""The inputs of an engine: one simulated period, with all random numbers already drawn.

The rows of an array are calls, e-mails or operators; its columns are the attempts of a caller. No random number is
drawn while an engine runs. So two engines, or two scenarios, have the same callers: the patience of a caller never
depends on who was served before.

Times are seconds of the period (float64; 0 = its first midnight), durations are seconds, inf = never.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queue_model.compiled import compiled_or_plain
from queue_model.errors import ModelError
from queue_model.simulation.event_kinds import BREAK_END, BREAK_START, SHIFT_END, SHIFT_START

array_loops = compiled_or_plain("simulation.array_loops")

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Shorts: TypeAlias = NDArray[np.int16]

UNLIMITED = 1 << 62  # `longest_queue` of a queue without a limit
TOPICS = 64  # skills are the bits of a 64-bit number


class InputsError(ModelError):
    """Inputs that no engine can run; the message names the array or number."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """One period: policy, callers, e-mails, operators. Create it with `build`.

    Shapes: n calls, K attempts, m calls outside hours, e e-mails, o operators, s schedule events, w and v intervals.
    Arrays are read-only; a constant array may have stride 0.
    """

    # policy
    seats: int
    longest_wait: float
    longest_queue: int  # callers who may wait at once
    busy_then_voicemail: bool  # no operator free: to the voicemail at once
    empty_then_voicemail: bool  # no operator logged in: to the voicemail at once, and all who wait
    lines: int  # callers who may wait, talk or be in the survey at once; 0 = no limit
    reserve: int  # idle operators kept for calls before work that can wait is assigned
    put_down: bool  # e-mails are put down for calls
    announced: bool  # callers hear their expected wait
    mean_handle: float  # seconds; used to calculate the announced wait
    open_from: Floats  # opening intervals, [w]
    open_until: Floats
    # callers who reach the queue, by instant
    call_at: Floats  # [n]
    call_topic: Shorts  # [n]
    call_priority: Shorts  # [n]; higher first
    patience: Floats  # [n, K]
    key_after: Floats  # [n, K]; presses the voicemail key after so much waiting
    talk: Floats  # [n, K]
    wrap: Floats  # [n, K]
    survey: Floats  # [n, K]; holds the line after the talk, without an operator
    redial_after: Floats  # [n, K]
    tolerance: Floats  # [n, K]; leaves at once if a longer wait is announced
    leaves_message: Flags  # [n, K]; if sent to the voicemail
    callback_work: Floats  # [n, K]
    second_level: Flags  # [n, K]; handed over if answered
    second_level_work: Floats  # [n, K]
    # callers outside hours
    closed_at: Floats  # [m]
    closed_topic: Shorts  # [m]
    closed_leaves_message: Flags  # [m]
    closed_callback_work: Floats  # [m]
    # e-mails
    mail_at: Floats  # [e]
    mail_topic: Shorts  # [e]
    mail_work: Floats  # [e]
    mail_second_level: Flags  # [e]
    mail_second_level_work: Floats  # [e]
    # operators
    n_operators: int
    skills: NDArray[np.uint64]  # [o]; bit t = topic t
    event_at: Floats  # [s]
    event_kind: NDArray[np.uint8]  # [s]; SHIFT_END, BREAK_START, BREAK_END, SHIFT_START
    event_operator: NDArray[np.int32]  # [s]
    # second level
    office_people: int
    office_from: Floats  # working intervals of the back office, [v]
    office_until: Floats

    def __post_init__(self) -> None:
        _check(self)

    @property
    def attempts(self) -> int:
        """K: the largest number of attempts of a caller."""
        return int(self.patience.shape[1])


_PER_CALL: dict[str, Any] = {"call_topic": 0, "call_priority": 0}
_PER_ATTEMPT: dict[str, Any] = {
    "patience": np.inf,
    "key_after": np.inf,
    "talk": 0.0,
    "wrap": 0.0,
    "survey": 0.0,
    "redial_after": np.inf,
    "tolerance": np.inf,
    "leaves_message": False,
    "callback_work": 0.0,
    "second_level": False,
    "second_level_work": 0.0,
}
_PER_CLOSED: dict[str, Any] = {"closed_topic": 0, "closed_leaves_message": True, "closed_callback_work": 0.0}
_PER_MAIL: dict[str, Any] = {
    "mail_topic": 0,
    "mail_work": 0.0,
    "mail_second_level": False,
    "mail_second_level_work": 0.0,
}
_POLICY: dict[str, Any] = {
    "seats": UNLIMITED,
    "longest_wait": np.inf,
    "longest_queue": UNLIMITED,
    "busy_then_voicemail": False,
    "empty_then_voicemail": False,
    "lines": 0,
    "reserve": 0,
    "put_down": False,
    "announced": False,
    "mean_handle": 0.0,
    "office_people": 0,
}
_TIMES = ("call_at", "closed_at", "mail_at", "event_at", "open_from", "open_until", "office_from", "office_until")
_DTYPES: dict[str, type[np.generic]] = {
    "Floats": np.float64,
    "Flags": np.bool_,
    "Shorts": np.int16,
    "NDArray[np.uint64]": np.uint64,
    "NDArray[np.uint8]": np.uint8,
    "NDArray[np.int32]": np.int32,
}
_TYPES = {field.name: str(field.type) for field in fields(Inputs)}


def build(*, attempts: int = 1, n_operators: int = 0, skills: ArrayLike | None = None, **given: Any) -> Inputs:
    """Create inputs. Whatever is not given is switched off: no impatience, no redials, no e-mails and so on.

    An array can be given as a scalar, as one value per row, or (per attempt) as an (n, attempts) array. `skills` are
    all topics by default. See `constant_staff` for operators without a schedule. Raises `InputsError`.
    """
    unknown = sorted(given.keys() - _TYPES.keys())
    if unknown:
        raise InputsError(f"{unknown[0]}: not an input; use one of {', '.join(_TYPES)}")
    if attempts < 1:
        raise InputsError(f"attempts: {attempts}; a caller calls at least once")
    made: dict[str, Any] = {name: given.get(name, default) for name, default in _POLICY.items()}
    for name in _TIMES:
        made[name] = _array(name, given.get(name, ()), None)
    rows = {name: len(made[name]) for name in _TIMES}
    for names, shape in (
        (_PER_CALL, (rows["call_at"],)),
        (_PER_ATTEMPT, (rows["call_at"], attempts)),
        (_PER_CLOSED, (rows["closed_at"],)),
        (_PER_MAIL, (rows["mail_at"],)),
        (dict.fromkeys(("event_kind", "event_operator"), 0), (rows["event_at"],)),
        ({"skills": np.uint64(2**TOPICS - 1)}, (n_operators,)),
    ):
        for name, default in names.items():
            value = skills if name == "skills" and skills is not None else given.get(name, default)
            made[name] = _array(name, value, shape)
    return Inputs(n_operators=n_operators, **made)


def schedule(rows: Iterable[tuple[float, int, int]]) -> dict[str, Any]:
    """The arrays of a schedule for `build`, from rows (instant, kind, operator) in any order."""
    ordered = sorted(rows)
    columns: list[list[Any]] = [[row[i] for row in ordered] for i in range(3)]
    return dict(zip(("event_at", "event_kind", "event_operator"), columns, strict=True))


def constant_staff(operators: int) -> dict[str, Any]:
    """Operators for `build` who sit down at the first instant and never leave, as in a textbook queue."""
    return {"n_operators": operators, **schedule((0.0, SHIFT_START, operator) for operator in range(operators))}


def _array(name: str, given: Any, shape: tuple[int, ...] | None) -> NDArray[Any]:
    """A read-only array of the field's type, broadcast to `shape`."""
    dtype = _DTYPES[_TYPES[name]]
    try:
        array = np.asarray(given)
        if array.dtype != dtype:
            converted = array.astype(dtype)
            if not (array.dtype == object or np.array_equal(converted, array, equal_nan=dtype is np.float64)):
                raise InputsError(f"{name}: a value does not fit into {np.dtype(dtype).name}")
            array = converted
        if shape is None:
            if array.ndim != 1:
                raise InputsError(f"{name}: must have one dimension, but has shape {array.shape}")
        else:
            if array.ndim == 1 and len(shape) == 2:
                array = array[:, None]
            array = np.broadcast_to(array, shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputsError(f"{name}: {error}") from None
    array = array.view()
    array.flags.writeable = False
    return array


def stored(array: NDArray[Any]) -> NDArray[Any]:
    """The part of an array that is in memory: a single value of a constant that was broadcast."""
    if 0 not in array.strides:
        return array
    return array[tuple(slice(0, 1) if step == 0 else slice(None) for step in array.strides)]


def redials_at_most(given: Inputs) -> int:
    """An upper bound of the number of redials."""
    if given.attempts == 1 or not (stored(given.redial_after) < np.inf).any():
        return 0
    return int(np.count_nonzero(given.redial_after < np.inf))


def _check(given: Inputs) -> None:
    for name, kind in _TYPES.items():
        array = getattr(given, name)
        if name in _TIMES:
            _check_times(name, array)
        elif kind == "Floats":
            _check_least(name, array)
        elif kind in ("int", "float") and not array >= 0:
            raise InputsError(f"{name}: {array}; must be 0 or more")
    for name in ("talk", "wrap", "survey", "callback_work", "closed_callback_work", "mail_work"):
        array = stored(getattr(given, name))
        if array.size and not array.max() < np.inf:
            raise InputsError(f"{name}: a duration is infinite; work must end")
    for name in ("call_topic", "closed_topic", "mail_topic"):
        topics = stored(getattr(given, name))
        if topics.size and not (topics.min() >= 0 and topics.max() < TOPICS):
            raise InputsError(f"{name}: topics are numbered 0 to {TOPICS - 1}")
    _check_shapes(given)
    for name in ("open", "office"):
        begins, ends = getattr(given, f"{name}_from"), getattr(given, f"{name}_until")
        if len(begins) != len(ends) or (ends < begins).any() or (begins[1:] < ends[:-1]).any():
            raise InputsError(f"{name}_from, {name}_until: intervals must be in order and not overlap")
    _check_schedule(given)


def _check_least(name: str, array: Floats) -> None:
    if array.size and not stored(array).min() >= 0:  # min() returns NaN if there is one
        raise InputsError(f"{name}: a value is negative or not a number")


def _check_times(name: str, array: Floats) -> None:
    endless = name.endswith("_until")  # the last interval may have no end
    if array_loops.is_ascending(array) and (
        not len(array) or array[-1] < np.inf or (endless and array[:-1].max(initial=0) < np.inf)
    ):
        return
    _check_least(name, array)
    if not array.max() < np.inf:
        raise InputsError(f"{name}: a time is infinite")
    where = int(np.flatnonzero(array[1:] < array[:-1])[0]) + 1
    raise InputsError(f"{name}: row {where} is earlier than the row before; sort by time")


def _check_shapes(given: Inputs) -> None:
    calls, callers, mails = len(given.call_at), len(given.closed_at), len(given.mail_at)
    shapes: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(_PER_CALL, (calls,)),
        **dict.fromkeys(_PER_ATTEMPT, (calls, given.patience.shape[-1])),
        **dict.fromkeys(_PER_CLOSED, (callers,)),
        **dict.fromkeys(_PER_MAIL, (mails,)),
        **dict.fromkeys(("event_at", "event_kind", "event_operator"), (len(given.event_at),)),
        "skills": (given.n_operators,),
    }
    for name, shape in shapes.items():
        array = getattr(given, name)
        if array.shape != shape or array.dtype != _DTYPES[_TYPES[name]]:
            raise InputsError(f"{name}: {array.dtype} {array.shape} where {shape} is needed; use inputs.build")


def _check_schedule(given: Inputs) -> None:
    """Engines rely on this: events are sorted by instant and kind, and each operator's starts and ends alternate."""
    at, kind, who = given.event_at, given.event_kind, given.event_operator
    if not len(at):
        return
    if kind.min() < SHIFT_END or kind.max() > SHIFT_START:
        raise InputsError(
            "event_kind: use SHIFT_END, BREAK_START, BREAK_END, SHIFT_START of queue_model.simulation.event_kinds"
        )
    if who.min() < 0 or who.max() >= given.n_operators:
        raise InputsError(f"event_operator: operators are numbered 0 to {given.n_operators - 1}")
    if ((at[1:] == at[:-1]) & (kind[1:] < kind[:-1])).any():
        raise InputsError(
            "event_kind: at one instant sort shift ends, break starts, break ends, shift starts in this order"
        )
    for begin, end, what in ((SHIFT_START, SHIFT_END, "shift"), (BREAK_START, BREAK_END, "break")):
        event = array_loops.first_out_of_turn(kind, who, given.n_operators, begin, end)
        if event >= 0:
            raise InputsError(
                f"event_operator: operator {who[event]} at {at[event]} s: {what} starts and ends must alternate"
            )
