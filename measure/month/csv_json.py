"""A report as files for programs, with the same figures as its page: CSV, one figure per line, and JSON."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from typing import Any

from common.command_line import Refusal
from common.safe_files import drafts
from measure.month.document import Document, Table, Value

HEAD = ("section", "table", "row", "row_label", "column", "column_label", "value", "unit", "state", "low", "high")
UNITS = {"count": "", "share": "1", "seconds": "s", "days": "d"}


def to_csv(document: Document) -> str:
    """CSV with one line per value; `state` is shown, hidden or none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEAD)
    for section in document.sections:
        for table in section.tables:
            for row in table.rows:
                for column, value in zip(table.columns, row.values, strict=True):
                    texts = (section.name, table.name, row.code, row.label, column.code, column.label)
                    numbers = (_number(value), UNITS[value.kind], state(value), _end(value.low), _end(value.high))
                    writer.writerow([*(escape_formula(text) for text in texts), *numbers])
    return text.getvalue()


def to_json(document: Document) -> str:
    """JSON; a value is a number, null if there was nothing to measure, or "hidden"."""
    content = {
        "report": document.name,
        "title": document.title,
        "language": document.language,
        **document.facts,
        "notes": [*document.lead, *document.foot],
        "tables": [
            {"section": section.name, **_table(table)} for section in document.sections for table in section.tables
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _table(table: Table) -> dict[str, Any]:
    rows = []
    for row in table.rows:
        values: dict[str, Any] = {}
        for column, value in zip(table.columns, row.values, strict=True):
            values[column.code] = _json(value)
            if value.known and value.low is not None:
                values[f"{column.code}_interval"] = [value.low, value.high]
        note = {"definition": row.note} if row.note else {}
        rows.append({"row": row.code, "label": row.label, **note, "values": values})
    columns = [
        {"column": column.code, "label": column.label, "kind": value.kind}
        for column, value in zip(table.columns, table.rows[0].values if table.rows else (), strict=False)
    ]
    return {"table": table.name, "caption": table.caption, "columns": columns, "rows": rows}


def state(value: Value) -> str:
    return "hidden" if value.hidden else "none" if value.number is None else "shown"


def escape_formula(text: str) -> str:
    """Text that spreadsheets do not execute as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _json(value: Value) -> float | int | str | None:
    if not value.known or value.number is None:
        return "hidden" if value.hidden else None
    return _rounded(value.number)


def _number(value: Value) -> str:
    return repr(_rounded(value.number)) if value.known and value.number is not None else ""


def _end(value: float | None) -> str:
    return "" if value is None else repr(_rounded(value))


def _rounded(value: float) -> float | int:
    """Ten decimals, which are the same on every processor."""
    return int(value) if value == int(value) else round(value, 10)


def write_files(folder: str, files: Mapping[str, str]) -> list[str]:
    """Write files into a folder atomically; returns their paths. Raises `Refusal`.

    All are on disk before the first gets its name, so that a full disk leaves the existing files unchanged.
    """
    paths = [os.path.join(folder, name) for name in files]
    try:
        os.makedirs(folder, exist_ok=True)
        with drafts(paths) as fresh:
            for draft, text in zip(fresh, files.values(), strict=True):
                with open(draft, "w", encoding="utf-8", newline="") as file:
                    file.write(text)
    except OSError as problem:
        raise Refusal(f"{folder}: not written: {problem.strerror}; existing files are unchanged") from None
    return paths
