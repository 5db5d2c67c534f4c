"""Job centres from the client's CSV file: from any program, the whole file or nothing, repeatable."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from common.command_line import Refusal
from registry.db import schema
from registry.db.connection import Database
from registry.people import offices
from registry.people.offices import ImportCounts

TODAY = date(2026, 11, 24)
SHEET = """Codice;Nome;Provincia;Email;Telefono;Valido dal
RM01;Roma Cinecittà;RM;cpi.cinecitta@example.it;06 12345678;2026-01-01
MI02;Milano Centro;mi;;;01/02/2026
"""


def take(database: Database, sheet: str | bytes, today: date = TODAY) -> ImportCounts:
    with database.begin() as connection:
        return offices.import_offices(connection, sheet.encode() if isinstance(sheet, str) else sheet, "cpi.csv", today)


def rows(database: Database) -> list[Any]:
    table = schema.office
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(select(table).order_by(table.c.office_code))]


MADE = [
    ("MI02", "Milano Centro", "MI", None, None, "2026-02-01", None),
    ("RM01", "Roma Cinecittà", "RM", "cpi.cinecitta@example.it", "+390612345678", "2026-01-01", None),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_files_of_any_program_are_read(encoding: str, delimiter: str, ends: str) -> None:
    raw = SHEET.replace(";", delimiter).replace("\n", ends).encode(encoding)
    found, problems = offices.parse(raw, "cpi.csv")
    assert problems == []
    assert [found[code]["name"] for code in ("RM01", "MI02")] == ["Roma Cinecittà", "Milano Centro"]


def test_an_import_can_be_repeated(database: Database) -> None:
    assert take(database, SHEET) == ImportCounts(2, 0, 0)
    assert rows(database) == MADE
    assert take(database, SHEET, date(2027, 1, 1)) == ImportCounts(0, 0, 2)
    assert rows(database) == MADE


def test_changed_centres_are_updated_and_missing_ones_stay(database: Database) -> None:
    take(database, SHEET)
    sheet = "code,name,province,email,valid_to\nRM01,Roma Tuscolano,RM,,2026-12-31\nTO01,Torino,TO,,\n"
    assert take(database, sheet) == ImportCounts(1, 1, 0)
    assert rows(database) == [
        MADE[0],
        ("RM01", "Roma Tuscolano", "RM", None, "+390612345678", "2026-01-01", "2026-12-31"),
        ("TO01", "Torino", "TO", None, None, "2026-11-24", None),
    ]


def test_a_repeated_line_is_one_centre(database: Database) -> None:
    assert take(database, SHEET + SHEET.splitlines()[1] + "\n") == ImportCounts(2, 0, 0)


def test_every_bad_line_is_named_and_nothing_is_imported(database: Database) -> None:
    sheet = SHEET + (
        "RM01;Un altro;RM;;;\n"
        "XX01;Da nessuna parte;XX;;;\n"
        ";Senza codice;RM;;;\n"
        "\n"
        "RM03;Indirizzo;RM;niente;;\n"
        "RM04;Telefono;RM;;12;\n"
        "RM05;Giorno;RM;;;31/02/2026\n"
        "'; DROP TABLE office; --;x;RM;;;\n"
        "RM06;\x1b[2J\x00;RM;;;\n"
    )
    with pytest.raises(Refusal) as problem:
        take(database, sheet)
    first, *lines = str(problem.value).splitlines()
    assert first == "nothing was imported; correct these lines:"
    assert [line.split(": ")[1] for line in lines] == [f"line {number}" for number in (4, 5, 6, 8, 9, 10, 11, 12)]
    assert lines[0] == "cpi.csv: line 4: RM01 is in line 2 already, with other data; keep one"
    assert lines[1].startswith('cpi.csv: line 5: provincia: "XX" is not a province')
    assert lines[2] == "cpi.csv: line 6: codice is empty; fill it in"
    assert all(line.isprintable() for line in lines)
    assert rows(database) == []


def test_at_most_twenty_mistakes_are_reported() -> None:
    sheet = "codice;nome;provincia\n" + "x y;;\n" * 1000
    with pytest.raises(Refusal) as problem:
        offices.import_offices(None, sheet.encode(), "cpi.csv", TODAY)  # type: ignore[arg-type]
    lines = str(problem.value).splitlines()
    assert len(lines) == 22 and lines[-1] == "cpi.csv: and 980 more"


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "no column named codice, nome, provincia"),
        (b"codice;nome\nRM01;Roma\n", "no column named provincia; the first line must name it"),
        (b"codice;nome;provincia;Codice\nRM01;Roma;RM;RM02\n", "cpi.csv: two columns are named codice; delete one"),
        (b"codice,nome,provincia\nRM01,Roma,RM,0612345678\n", "line 2: more cells than the 3 named columns"),
        (b"codice;nome;provincia\n", "no rows below the column names"),
        (b'codice;nome;provincia\n"RM01;Roma;RM\n', "check the quotation marks"),
        (b"\x81\x8d\x00" * 10, "not a text file"),
        (b"x" * 6_000_000, "over 5 MB"),
        (b"codice;nome;provincia\nRM01;" + b"x" * 1_000_000 + b";RM\n", "line 2: field larger than field limit"),
    ],
)
def test_a_file_that_is_not_a_table_of_centres_is_refused(raw: bytes, told: str) -> None:
    with pytest.raises(Refusal) as problem:
        offices.import_offices(None, raw, "cpi.csv", TODAY)  # type: ignore[arg-type]
    assert told in str(problem.value) and len(str(problem.value)) < 300


def test_the_first_known_column_name_counts() -> None:
    found, problems = offices.parse(b"id;pec;nome;provincia;codice;email\n7;a@pec.it;Roma;RM;RM01;b@example.it\n", "x")
    assert problems == []
    assert (list(found), found["RM01"]["email"]) == (["RM01"], "b@example.it")


def test_empty_cells_after_the_last_column_are_ignored() -> None:
    found, problems = offices.parse(b"codice;nome;provincia;;\nRM01;Roma;RM;;;;\n", "x")
    assert problems == [] and list(found) == ["RM01"]


def test_open_centres_are_listed(database: Database) -> None:
    take(database, SHEET.replace("Valido dal", "Valido al").replace("01/02/2026", "2026-03-31"))

    def codes(province: str | None, today: date) -> list[str]:
        with database.read() as connection:
            return [row.office_code for row in offices.list_offices(connection, province, today)]

    assert codes(None, date(2026, 11, 23)) == []  # not before their first day
    assert codes(None, TODAY) == []  # RM01 ended in January, MI02 in March
    take(database, SHEET.replace("Valido dal", "Valido al").replace("2026-01-01", "").replace("01/02/2026", ""))
    assert codes(None, TODAY) == ["MI02", "RM01"]
    assert codes("rm", TODAY) == ["RM01"]
    with pytest.raises(Refusal, match="is not a province"):
        codes("Roma", TODAY)
