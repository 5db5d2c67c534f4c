"""Protocol numbers: a mistyped number never opens another person's request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.db.connection import Database
from registry.requests.protocol_number import (
    LONGEST,
    ProtocolError,
    check_digit,
    format_number,
    next_numbers,
    parse,
    spell_out,
)

NUMBERS = st.builds(format_number, st.integers(2016, 2199), st.integers(1, 2_000_000))


def wrong(protocol: str) -> None:
    with pytest.raises(ProtocolError):
        parse(protocol)


def test_the_published_example() -> None:
    assert check_digit("572") == 4  # Damm's own


@given(NUMBERS)
def test_a_written_number_is_parsed(protocol: str) -> None:
    assert parse(protocol) == protocol


@given(NUMBERS, st.data())
def test_every_single_wrong_digit_is_detected(protocol: str, data: st.DataObject) -> None:
    digits = protocol.replace("NUL", "").replace("-", "")
    at = data.draw(st.integers(0, len(digits) - 1))
    other = data.draw(st.sampled_from([each for each in "0123456789" if each != digits[at]]))
    wrong(digits[:at] + other + digits[at + 1 :])


@given(NUMBERS)
def test_every_exchange_of_neighbours_is_detected(protocol: str) -> None:
    digits = protocol.replace("NUL", "").replace("-", "")
    for at in range(len(digits) - 1):
        swapped = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
        if swapped != digits:
            wrong(swapped)


@pytest.mark.parametrize(
    "said",
    [
        "NUL-2026-000421-{}",
        "nul 2026 000421 {}",
        "2026-421-{}",
        "2026421{}",
        "  N.U.L. 2026 / 000 421 / {}\n",
        "Nul–2026–421–{}",  # en dashes, as word processors write them
        "2 0 2 6 4 2 1 {}",
        "NUL2026000421{}",
    ],
)
def test_typed_and_dictated_forms_are_accepted(said: str) -> None:
    protocol = format_number(2026, 421)
    assert parse(said.format(protocol[-1])) == protocol


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", "is not a protocol number"),
        ("ciao", "is not a protocol number"),
        ("2026", "too short"),
        ("1026-000421-6", "does not begin with a year"),
        ("2026-0-" + str(check_digit("2026000000")), "no request can have that number"),
        ("NUL-2026-000421-" + str((int(format_number(2026, 421)[-1]) + 1) % 10), "a digit is wrong"),
        ("٢٠٢٦٠٠٠٤٢١٧", "is not a protocol number"),
        ("'; DROP TABLE request; --", "is not a protocol number"),
        ("9" * 1_000_000, "too long"),
        ("\x1b[2J\x00", "<1b>[2J<00>"),
    ],
)
def test_a_mistyped_number_is_refused_with_the_remedy(said: str, told: str) -> None:
    with pytest.raises(ProtocolError) as problem:
        parse(said)
    assert told in str(problem.value)
    assert str(problem.value).isprintable() and len(str(problem.value)) < 200 + LONGEST


@given(st.text())
def test_any_text_is_a_number_or_refused(said: str) -> None:
    try:
        found = parse(said)
    except ProtocolError as problem:
        assert str(problem).isprintable()
    else:
        assert parse(found) == found


def test_it_is_dictated_digit_by_digit() -> None:
    assert spell_out(format_number(2026, 421)) == (
        "enne, u, elle; due zero due sei; zero zero zero; quattro due uno; "
        + ("zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove")[check_digit("2026000421")]
    )
    assert spell_out(format_number(2026, 1_234_567)).count(";") == 5


def test_each_year_counts_from_one(database: Database) -> None:
    with database.begin() as connection:
        assert next_numbers(connection, 2026) == [format_number(2026, 1)]
        assert next_numbers(connection, 2026, 3) == [
            format_number(2026, 2),
            format_number(2026, 3),
            format_number(2026, 4),
        ]
        assert next_numbers(connection, 2027) == [format_number(2027, 1)]
        assert next_numbers(connection, 2026) == [format_number(2026, 5)]


def test_a_rolled_back_number_is_assigned_again(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.begin() as connection:
        next_numbers(connection, 2026)
        raise ZeroDivisionError
    with database.begin() as connection:
        assert next_numbers(connection, 2026) == [format_number(2026, 1)]


def test_an_impossible_year_or_counter_is_refused() -> None:
    for year, counter in ((1999, 1), (2200, 1), (2026, 0), (2026, -1)):
        with pytest.raises(ValueError, match="no protocol number"):
            format_number(year, counter)
