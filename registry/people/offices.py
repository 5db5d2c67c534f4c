"""The job centres, from a CSV that the client supplies: read whatever program wrote it, taken whole or not at all.

Columns, in Italian or English and in any order: codice, nome, provincia; and, where known, email, telefono, valido_dal,
valido_al (days like 2026-01-31 or 31/01/2026). The same file twice changes nothing. A centre that is not in the file
stays as it is, for requests may lie there; one that closed gets its last day in `valido_al`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from common.command_line import Refusal
from registry import text_input
from registry.db import schema
from registry.people import contacts, provinces

table = schema.office
LARGEST = 5_000_000  # bytes; there are some 550 centres in Italy
MOST_TOLD = 20  # mistakes
NAMES = {
    "office_code": ("codice", "code", "office_code", "codice_cpi", "id"),
    "name": ("nome", "name", "denominazione", "centro"),
    "province": ("provincia", "province", "sigla", "prov"),
    "email": ("email", "e-mail", "mail", "pec"),
    "phone": ("telefono", "phone", "tel"),
    "valid_from": ("valido_dal", "valid_from", "dal"),
    "valid_to": ("valido_al", "valid_to", "al"),
}
NEEDED = ("office_code", "name", "province")


class Taken(NamedTuple):
    """What an import did."""

    new: int
    changed: int
    same: int


def take(connection: Connection, raw: bytes, file: str, today: date) -> Taken:
    """Take in a file; nothing of it when a line is wrong. Raises `Refusal` with each wrong line and the remedy."""
    rows, problems = read(raw, file, today)
    if problems:
        more = len(problems) - MOST_TOLD
        told = problems[:MOST_TOLD] + ([f"{file}: and {more} more"] if more > 0 else [])
        raise Refusal("nothing was imported; correct these lines:\n" + "\n".join(told))
    known = {row.office_code: row._mapping for row in connection.execute(select(table))}
    new = [row for code, row in rows.items() if code not in known]
    changed = [row for code, row in rows.items() if code in known and _differs(known[code], row)]
    if new:
        connection.execute(insert(table), [{"valid_from": today.isoformat(), **row} for row in new])
    for row in changed:
        connection.execute(update(table).where(table.c.office_code == row["office_code"]).values(**row))
    return Taken(len(new), len(changed), len(rows) - len(new) - len(changed))


def _differs(known: Mapping[Any, Any], row: Mapping[str, Any]) -> bool:
    return any(known[name] != value for name, value in row.items())


def read(raw: bytes, file: str, today: date) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The centres of a file by their codes, and what is wrong, each with its line. Raises `Refusal` for no table."""
    lines = _lines(_text(raw, file), file)
    head, columns = next(lines, (0, []))
    places = _places(columns, file)
    found: dict[str, dict[str, Any]] = {}
    where: dict[str, int] = {}
    problems: list[str] = []
    for number, cells in lines:
        try:
            if any(cells[len(columns) :]):
                raise Refusal(
                    f"more cells than the {len(columns)} columns have names; put quotation marks around commas"
                )
            row = _row({name: cells[at] for name, at in places.items() if at < len(cells)})
        except Refusal as problem:
            problems.append(f"{file}: line {number}: {problem}")
            continue
        code = row["office_code"]
        if code in found and found[code] != row:
            problems.append(f"{file}: line {number}: {code} stands in line {where[code]} already, with other data")
        found.setdefault(code, row)
        where.setdefault(code, number)
    if not found and not problems:
        raise Refusal(f"{file}: line {head}: nothing below the names of the columns; is it the right file?")
    return found, problems


def _text(raw: bytes, file: str) -> str:
    """UTF-8, with or without a mark; UTF-16 with one; else what Excel writes in Western Europe."""
    if len(raw) > LARGEST:
        raise Refusal(f"{file}: larger than {LARGEST // 1_000_000} MB; a list of job centres is not")
    try:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return raw.decode("utf-16")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        raise Refusal(f"{file}: is no text; save the table as CSV in UTF-8") from None


def _lines(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, each with the number of its last line."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(";,\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield rows.line_num, [cell.strip() for cell in cells]
    except csv.Error as problem:
        raise Refusal(f"{file}: line {rows.line_num}: {problem}; check the quotation marks") from None


def _places(columns: list[str], file: str) -> dict[str, int]:
    """Where each column of ours is."""
    names = [name.lower().replace(" ", "_") for name in columns]
    for each in {name for theirs in NAMES.values() for name in theirs}:
        if names.count(each) > 1:
            raise Refusal(f"{file}: two columns named {each}; leave one, so that it is plain which counts")
    found = {
        ours: names.index(next(name for name in theirs if name in names))
        for ours, theirs in NAMES.items()
        if any(name in names for name in theirs)
    }
    missing = [NAMES[name][0] for name in NEEDED if name not in found]
    if missing:
        raise Refusal(f"{file}: no column named {', '.join(missing)}; the first line names the columns")
    return found


def _row(cells: Mapping[str, str]) -> dict[str, Any]:
    """A centre as the table has it; what the file does not say is left out, or empty where it has the column."""
    missing = [NAMES[name][0] for name in NEEDED if not cells.get(name)]
    if missing:
        raise Refusal(f"{missing[0]} is empty; fill it in")
    row: dict[str, Any] = {
        "office_code": text_input.code(cells["office_code"], "codice"),
        "name": text_input.line(cells["name"], "nome"),
        "province": provinces.checked(cells["province"], "provincia"),
    }
    checks = {"email": contacts.address, "phone": contacts.number, "valid_to": _day, "valid_from": _day}
    for name, check in checks.items():
        if cells.get(name):
            row[name] = check(cells[name])
        elif name in cells and name != "valid_from":
            row[name] = None
    if row.get("valid_to") and row.get("valid_from", "") > row["valid_to"]:
        raise Refusal(f"valido_al: {row['valid_to']} is before valido_dal, {row['valid_from']}")
    return row


def _day(said: str) -> str:
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(said, form).date().isoformat()
        except ValueError:
            continue
    raise Refusal(f"{text_input.shown(said)} is no day; write it like 2026-01-31")


def listed(connection: Connection, province: str | None, today: date) -> list[Any]:
    """The centres that are open on that day, by province and name."""
    wanted = select(table).where(_open_on(today)).order_by(table.c.province, table.c.name)
    if province is not None:
        wanted = wanted.where(table.c.province == provinces.checked(province))
    return list(connection.execute(wanted))


def check(connection: Connection, code: str, today: date) -> None:
    """Raises `Refusal` for what is no centre, or none that is open on that day."""
    mine = table.c.office_code == text_input.code(code, "office")
    if connection.execute(select(table).where(mine)).first() is None:
        raise Refusal(f"office: no job centre has the code {text_input.shown(code)}; `registry offices` lists them")
    if connection.execute(select(table).where(mine & _open_on(today))).first() is None:
        said = f"the job centre {text_input.shown(code)} is not open on {today}"
        raise Refusal(f"office: {said}; `registry offices` lists those that are")


def _open_on(day: date) -> ColumnElement[bool]:
    ends = table.c.valid_to
    return and_(table.c.valid_from <= day.isoformat(), or_(ends.is_(None), ends >= day.isoformat()))
