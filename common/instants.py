"""Instants for people and for programs: ISO 8601 in JSON and CSV, deadlines by their last day, typed times.

Programs keep instants as epoch seconds UTC; whatever leaves them as JSON or CSV has ISO 8601 with the offset of the
service's time zone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from common import italian
from common.texts import Texts, current_language

translate = Texts({"never": "mai", "by {day}": "entro {day}"})
ROME = ZoneInfo("Europe/Rome")
_TIME_NAMES = re.compile(r"(?:.*_)?(?:at|since|until|before)")  # keys whose numbers are instants


def iso(at: float | None, zone: ZoneInfo = ROME) -> str | None:
    """`2026-11-24T10:02:11+01:00`, with milliseconds if there are any; None for None and for infinity."""
    if at is None or math.isinf(at):
        return None
    local = datetime.fromtimestamp(round(at, 3), UTC).astimezone(zone)
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")


def with_iso_times(value: Any, zone: ZoneInfo = ROME) -> Any:
    """A copy of a JSON document whose instants (`at`, `since`, `..._at`) are ISO 8601."""
    if isinstance(value, Mapping):
        return {key: _converted(key, item, zone) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_iso_times(item, zone) for item in value]
    return value


def _converted(key: str, value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and _TIME_NAMES.fullmatch(str(key)):
        return iso(value, zone)
    return with_iso_times(value, zone)


def parse(text: str, zone: ZoneInfo = ROME) -> float:
    """Epoch seconds of a typed time: `2026-11-21 10:30`, `2026-11-21T10:30:00+01:00`; a day alone is its beginning.

    Raises ValueError.
    """
    moment = datetime.fromisoformat(text.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


# --- deadlines -------------------------------------------------------------------------------------------------------


def last_day(due: float, zone: ZoneInfo = ROME) -> date:
    """The last day on which a deadline can be met: an instant at midnight ends the day before."""
    local = datetime.fromtimestamp(due, UTC).astimezone(zone)
    return local.date() - timedelta(days=1) if ends_a_day(due, zone) else local.date()


def ends_a_day(due: float, zone: ZoneInfo = ROME) -> bool:
    """Whether a deadline is a local midnight, so that it is named by the day that it ends."""
    return datetime.fromtimestamp(due, UTC).astimezone(zone).time() == time()


def deadline(due: float, zone: ZoneInfo = ROME) -> str:
    """`by Sat 14 Nov 2026` when the day counts to its end, else `Tue 24 Nov 2026 10:02`; `never` for infinity."""
    if not math.isinf(due) and ends_a_day(due, zone):
        return translate("by {day}", day=day_text(last_day(due, zone)))
    return moment(due, zone)


def moment(at: float, zone: ZoneInfo = ROME, *, year: bool = True) -> str:
    """`Tue 24 Nov 2026 10:02`, in Italian `mar 24 nov 2026 10:02`; `never` for infinity."""
    if math.isinf(at):
        return translate("never")
    local = datetime.fromtimestamp(at, UTC).astimezone(zone)
    return f"{day_text(local.date(), year=year)} {local:%H:%M}"


def day_text(day: date, *, year: bool = True) -> str:
    """`Tue 24 Nov 2026`, in Italian `mar 24 nov 2026`; the first of a month is `1°`."""
    if current_language() == "en":
        return f"{day:%a %d %b %Y}" if year else f"{day:%a %d %b}"
    number = italian.ordinal(1) if day.day == 1 else str(day.day)
    text = f"{italian.WEEKDAYS[day.weekday()][:3]} {number} {italian.MONTHS[day.month - 1][:3]}"
    return f"{text} {day.year}" if year else text
