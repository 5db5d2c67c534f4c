"""The job centres, imported from a CSV file that the client supplies: the whole file or nothing.

The file may come from any program. Columns, in Italian or English and in any order: codice, nome, provincia; optional
are email, telefono, valido_dal, valido_al (days like 2026-01-31 or 31/01/2026). Importing the same file twice changes
nothing. A centre that is not in the file stays as it is, because requests may be there; a centre that closes gets its
last day in `valido_al`.
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
from registry.texts import translate

table = schema.office
LARGEST = 5_000_000  # bytes; Italy has about 550 centres
MOST_REPORTED = 20  # mistakes
NAMES = {
    "office_code": ("codice", "code", "office_code", "codice_cpi", "id"),
    "name": ("nome", "name", "denominazione", "centro"),
    "province": ("provincia", "province", "sigla", "prov"),
    "email": ("email", "e-mail", "mail", "pec"),
    "phone": ("telefono", "phone", "tel"),
    "valid_from": ("valido_dal", "valid_from", "dal"),
    "valid_to": ("valido_al", "valid_to", "al"),
}
REQUIRED = ("office_code", "name", "province")


class ImportCounts(NamedTuple):
    """What an import did, in rows."""

    new: int
    changed: int
    same: int


def import_offices(connection: Connection, raw: bytes, file: str, today: date) -> ImportCounts:
    """Import a file, unless a line is wrong. Raises `Refusal` with each wrong line and the remedy."""
    rows, problems = parse(raw, file)
    if problems:
        more = len(problems) - MOST_REPORTED
        reported = problems[:MOST_REPORTED] + (
            [translate("{file}: and {more} more", file=file, more=more)] if more > 0 else []
        )
        raise Refusal(translate("nothing was imported; correct these lines:") + "\n" + "\n".join(reported))
    known = {row.office_code: row._mapping for row in connection.execute(select(table))}
    new = [row for code, row in rows.items() if code not in known]
    changed = [row for code, row in rows.items() if code in known and _differs(known[code], row)]
    if new:
        connection.execute(insert(table), [{"valid_from": today.isoformat(), **row} for row in new])
    for row in changed:
        connection.execute(update(table).where(table.c.office_code == row["office_code"]).values(**row))
    return ImportCounts(len(new), len(changed), len(rows) - len(new) - len(changed))


def _differs(known: Mapping[Any, Any], row: Mapping[str, Any]) -> bool:
    return any(known[name] != value for name, value in row.items())


def parse(raw: bytes, file: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the centres of a file by their codes, and the mistakes, each with its line number.

    Raises `Refusal` for a file that is not a table.
    """
    lines = _lines(_text(raw, file), file)
    head, columns = next(lines, (0, []))
    positions = _positions(columns, file)
    centres: dict[str, dict[str, Any]] = {}
    line_of: dict[str, int] = {}
    problems: list[str] = []
    for number, cells in lines:
        try:
            if any(cells[len(columns) :]):
                raise Refusal(
                    translate(
                        "more cells than the {count} named columns; put quotation marks around commas",
                        count=len(columns),
                    )
                )
            row = _row({name: cells[at] for name, at in positions.items() if at < len(cells)})
        except Refusal as problem:
            problems.append(translate("{file}: line {number}: {problem}", file=file, number=number, problem=problem))
            continue
        code = row["office_code"]
        if code in centres and centres[code] != row:
            problems.append(
                translate(
                    "{file}: line {number}: {code} is in line {other} already, with other data; keep one",
                    file=file,
                    number=number,
                    code=code,
                    other=line_of[code],
                )
            )
        centres.setdefault(code, row)
        line_of.setdefault(code, number)
    if not centres and not problems:
        raise Refusal(
            translate(
                "{file}: line {number}: no rows below the column names; is it the right file?", file=file, number=head
            )
        )
    return centres, problems


def _text(raw: bytes, file: str) -> str:
    """Decode UTF-8 with or without a byte order mark, UTF-16 with one, or else what Excel writes in Western Europe."""
    if len(raw) > LARGEST:
        raise Refusal(
            translate(
                "{file}: over {size} MB, too much for job centres; is it the right file?",
                file=file,
                size=LARGEST // 1_000_000,
            )
        )
    try:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return raw.decode("utf-16")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        raise Refusal(translate("{file}: not a text file; save the table as CSV in UTF-8", file=file)) from None


def _lines(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of its last line."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(";,\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield rows.line_num, [cell.strip() for cell in cells]
    except csv.Error as problem:
        raise Refusal(
            translate(
                "{file}: line {number}: {problem}; check the quotation marks",
                file=file,
                number=rows.line_num,
                problem=problem,
            )
        ) from None


def _positions(columns: list[str], file: str) -> dict[str, int]:
    """Return the position of each column that we know."""
    names = [name.lower().replace(" ", "_") for name in columns]
    for each in {name for theirs in NAMES.values() for name in theirs}:
        if names.count(each) > 1:
            raise Refusal(
                translate("{file}: two columns are named {column}; delete one of them", file=file, column=each)
            )
    positions = {
        ours: names.index(next(name for name in theirs if name in names))
        for ours, theirs in NAMES.items()
        if any(name in names for name in theirs)
    }
    missing = [NAMES[name][0] for name in REQUIRED if name not in positions]
    if missing:
        raise Refusal(
            translate(
                "{file}: no column named {choices}; the first line must name it", file=file, choices=", ".join(missing)
            )
        )
    return positions


def _row(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of the table. A missing column is left out; an empty cell becomes NULL."""
    missing = [NAMES[name][0] for name in REQUIRED if not cells.get(name)]
    if missing:
        raise Refusal(translate("{column} is empty; fill it in", column=missing[0]))
    row: dict[str, Any] = {
        "office_code": text_input.check_code(cells["office_code"], "codice"),
        "name": text_input.check_line(cells["name"], "nome"),
        "province": provinces.check_province(cells["province"], "provincia"),
    }
    checks = {"email": contacts.check_email, "phone": contacts.check_number, "valid_to": _day, "valid_from": _day}
    for name, check in checks.items():
        if cells.get(name):
            row[name] = check(cells[name])
        elif name in cells and name != "valid_from":
            row[name] = None
    if row.get("valid_to") and row.get("valid_from", "") > row["valid_to"]:
        raise Refusal(
            translate(
                "valido_al: {last} is before valido_dal, {first}; correct one of them",
                last=row["valid_to"],
                first=row["valid_from"],
            )
        )
    return row


def _day(typed: str) -> str:
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(typed, form).date().isoformat()
        except ValueError:
            continue
    raise Refusal(translate("{typed} is not a day; write it like 2026-01-31", typed=text_input.quote(typed)))


def list_offices(connection: Connection, province: str | None, today: date) -> list[Any]:
    """Return the centres that are open on that day, by province and name."""
    query = select(table).where(_open_on(today)).order_by(table.c.province, table.c.name)
    if province is not None:
        query = query.where(table.c.province == provinces.check_province(province))
    return list(connection.execute(query))


def check_office(connection: Connection, code: str, today: date) -> None:
    """Raises `Refusal` unless the code is of a centre that is open on that day."""
    this_one = table.c.office_code == text_input.check_code(code, "office")
    if connection.execute(select(table).where(this_one)).first() is None:
        raise Refusal(
            translate(
                "office: no job centre has the code {code}; `registry offices` lists them", code=text_input.quote(code)
            )
        )
    if connection.execute(select(table).where(this_one & _open_on(today))).first() is None:
        raise Refusal(
            translate(
                "office: the job centre {code} is not open on {day}; `registry offices` lists those that are",
                code=text_input.quote(code), day=today,
            )
        )  # fmt: skip


def _open_on(day: date) -> ColumnElement[bool]:
    ends = table.c.valid_to
    return and_(table.c.valid_from <= day.isoformat(), or_(ends.is_(None), ends >= day.isoformat()))
