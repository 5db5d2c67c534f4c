"""Articles, plurals, dates and hours in Italian: over all numbers, all days of a year, all minutes of a day."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from common import italian
from common.italian import DAY_NAMES

# Written down here by hand: numbers whose name begins with a vowel (uno, otto, undici, ottanta...), and zero.
VOWEL = {1, 8, 11, *range(80, 90), 800, 801, 888, 899, 8000, 8999, 11000, 11999, 80000, 800000}
OTHERS = {
    100,
    101,
    108,
    111,
    118,
    180,
    188,
    200,
    700,
    900,
    1000,
    1001,
    1008,
    1100,
    1800,
    7999,
    9000,
    10000,
    12000,
    18000,
}
NUMBERS = sorted({*range(101), *VOWEL, *OTHERS})
DAYS_OF_A_YEAR = [date(2028, 1, 1) + timedelta(days=each) for each in range(366)]


def test_article_before_every_number() -> None:
    for value in NUMBERS:
        check_articles(value)


def check_articles(value: int) -> None:
    share = f"{italian.number(value)} %"
    if value == 0:
        forms = ("lo ", "allo ", "dallo ", "dello ", "nello ", "sullo ")
    elif value in VOWEL:
        forms = ("l'", "all'", "dall'", "dell'", "nell'", "sull'")
    else:
        forms = ("il ", "al ", "dal ", "del ", "nel ", "sul ")
    prepositions: tuple[italian.Preposition, ...] = ("", "a", "da", "di", "in", "su")
    assert [italian.with_article(share, each) for each in prepositions] == [form + share for form in forms]
    assert italian.with_article(f"{value} ore", "di", "f", plural=True) == f"delle {value} ore"
    plural = "gli" if value in VOWEL or value == 0 else "i"
    assert italian.with_article(f"{value} casi", plural=True) == f"{plural} {value} casi"


@pytest.mark.parametrize(
    ("text", "preposition", "result"),
    [
        ("80 %", "in", "nell'80 %"),
        ("80,5 %", "in", "nell'80,5 %"),
        ("0,5 %", "di", "dello 0,5 %"),
        ("1 %", "a", "all'1 %"),
        ("1° maggio", "da", "dal 1° maggio"),
        ("8° giorno", "da", "dall'8° giorno"),
        ("01/12/2026", "da", "dal 01/12/2026"),
        ("08/12/2026 10:00", "da", "dall'08/12/2026 10:00"),
        ("11/12/2026", "a", "all'11/12/2026"),
        ("studio", "in", "nello studio"),
        ("zaino", "", "lo zaino"),
        ("psicologo", "di", "dello psicologo"),
        ("gnomo", "", "lo gnomo"),
        ("iodio", "", "lo iodio"),
        ("idea", "", "l'idea"),
        ("assegno", "", "l'assegno"),
        ("Ente", "di", "dell'Ente"),
        ("«Argomento»", "", "l'«Argomento»"),
        ("web", "su", "sul web"),
        ("sito", "su", "sul sito"),
    ],
)
def test_article_before_dates_ordinals_and_words(text: str, preposition: italian.Preposition, result: str) -> None:
    assert italian.with_article(text, preposition) == result


def test_article_before_feminine_words() -> None:
    assert italian.with_article("ora", gender="f") == "l'ora"
    assert italian.with_article("settimana", "in", "f") == "nella settimana"
    assert italian.with_article("scadenza", "a", "f") == "alla scadenza"
    assert italian.with_article("ore", "da", "f", plural=True) == "dalle ore"
    assert italian.with_article("studi", "di", plural=True) == "degli studi"
    assert italian.with_article("giorni", "in", plural=True) == "nei giorni"


def test_a_template_asks_for_the_article_or_the_noun() -> None:
    share, day = italian.Inserted("80 %"), italian.Inserted(italian.day(date(2026, 12, 8)))
    assert f"{share:in} dei casi" == "nell'80 % dei casi"
    assert f"almeno {share:il}" == "almeno l'80 %"
    assert f"{day:Da}" == "Dall'8 dicembre 2026"
    assert [f"{italian.Inserted(each):ora|ore}" for each in (0, 1, 2, "1,5")] == ["0 ore", "1 ora", "2 ore", "1,5 ore"]
    assert f"{share}" == "80 %"
    assert f"{share:>6}" == "  80 %"


def test_numbers_in_words() -> None:
    cases = {
        0: "zero", 1: "uno", 3: "tre", 8: "otto", 11: "undici", 17: "diciassette", 20: "venti", 21: "ventuno",
        23: "ventitré", 28: "ventotto", 30: "trenta", 38: "trentotto", 80: "ottanta", 81: "ottantuno", 88: "ottantotto",
        99: "novantanove", 100: "cento", 103: "centotré", 108: "centotto", 118: "centodiciotto", 180: "centottanta",
        200: "duecento", 1000: "mille", 1008: "milleotto", 2023: "duemilaventitré", 11000: "undicimila",
        800_000: "ottocentomila", 1_000_000: "un milione", 2_000_003: "due milioni tre",
    }  # fmt: skip
    assert {value: italian.number_words(value) for value in cases} == cases
    for value in (-1, 10**9):
        with pytest.raises(ValueError, match="only numbers from 0 to 999999999"):
            italian.number_words(value)


def test_all_numbers_have_words_of_their_own() -> None:
    words = [italian.number_words(each) for each in range(10_000)]
    assert len(set(words)) == len(words)


def test_numbers_as_written() -> None:
    assert [italian.number(each) for each in (0, -0.0, 1, 2.5, 1234.5, 1e6, 100 * 0.07, -1.5)] == [
        "0", "0", "1", "2,5", "1.234,5", "1.000.000", "7", "-1,5",
    ]  # fmt: skip
    assert italian.number(1234.56, 1) == "1.234,6"


def test_plural_of_every_number() -> None:
    for value in NUMBERS:
        assert italian.count(value, "ora", "ore") == f"{italian.number(value)} {'ora' if value == 1 else 'ore'}"


def test_plural_of_fractions() -> None:
    assert [italian.count(each, "giorno", "giorni") for each in (0.5, 1.0, 1.5)] == [
        "0,5 giorni",
        "1 giorno",
        "1,5 giorni",
    ]


def test_ordinals() -> None:
    assert (italian.ordinal(1), italian.ordinal(90), italian.ordinal(2, "f")) == ("1°", "90°", "2ª")


def test_every_day_of_a_year() -> None:
    for when in DAYS_OF_A_YEAR:
        check_day(when)


def check_day(when: date) -> None:
    text = italian.day(when)
    assert text.startswith("1° " if when.day == 1 else f"{when.day} ")
    assert text.endswith(f"{italian.MONTHS[when.month - 1]} 2028")
    elided = when.day in (8, 11)  # and not 1, which is read "primo"
    assert italian.day(when, "da") == (f"dall'{text}" if elided else f"dal {text}")
    assert italian.day(when, "") == (f"l'{text}" if elided else f"il {text}")
    assert italian.with_article(f"{when:%d/%m/%Y}", "a") == (
        f"all'{when:%d/%m/%Y}" if elided else f"al {when:%d/%m/%Y}"
    )


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 12, 1), date(2026, 12, 8), "dal 1° all'8 dicembre 2026"),
        (date(2026, 12, 8), date(2026, 12, 11), "dall'8 all'11 dicembre 2026"),
        (date(2026, 11, 28), date(2026, 12, 1), "dal 28 novembre al 1° dicembre 2026"),
        (date(2026, 12, 31), date(2027, 1, 1), "dal 31 dicembre 2026 al 1° gennaio 2027"),
        (date(2026, 12, 8), date(2026, 12, 8), "l'8 dicembre 2026"),
    ],
)
def test_periods(first: date, last: date, text: str) -> None:
    assert italian.period(first, last) == text


def test_month() -> None:
    assert italian.month(2026, 12) == "dicembre 2026"


@pytest.mark.parametrize("hour", range(25))
def test_every_hour_and_minute(hour: int) -> None:
    for minute in range(60 if hour < 24 else 1):
        written, words = italian.at_time(hour, minute), italian.at_time(hour, minute, "da", words=True)
        if minute == 0 and hour in (0, 24):
            assert (written, words) == ("a mezzanotte", "da mezzanotte")
            continue
        assert written.startswith("all'" if hour == 1 else "alle ")
        assert words.startswith("dall'una" if hour == 1 else "dalle ")
        assert ("e " in words.partition(" ")[2] or hour == 1) if minute else " e " not in words
        assert italian.clock_time(hour, minute) == (f"{hour}:{minute:02}" if minute else str(hour))
        assert ":00" not in written


@pytest.mark.parametrize(
    ("hour", "minute", "words"),
    [
        (0, 0, "zero"),
        (0, 5, "zero e cinque"),
        (1, 0, "una"),
        (1, 30, "una e trenta"),
        (9, 1, "nove e uno"),
        (21, 0, "ventuno"),
        (24, 0, "ventiquattro"),
    ],
)
def test_clock_words(hour: int, minute: int, words: str) -> None:
    assert italian.clock_words(hour, minute) == words


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ("09:00-18:00", "dalle 9 alle 18"),
        ("08:30-13:15", "dalle 8:30 alle 13:15"),
        ("01:00-11:00", "dall'una alle 11"),
        ("09:00-24:00", "dalle 9 a mezzanotte"),
        ("00:00-06:00", "da mezzanotte alle 6"),
        ("00:00-24:00", "24 ore su 24"),
    ],
)
def test_time_ranges(span: str, text: str) -> None:
    assert italian.time_range(span) == text


def test_time_range_in_words() -> None:
    assert italian.time_range("09:00-18:30", words=True) == "dalle nove alle diciotto e trenta"
    assert italian.time_range("00:00-24:00", words=True) == "ventiquattro ore su ventiquattro"


@pytest.mark.parametrize(
    ("days", "text"),
    [
        ((0,), "il lunedì"),
        ((6,), "la domenica"),
        ((5, 6), "il sabato e la domenica"),
        ((0, 1), "il lunedì e il martedì"),
        ((0, 1, 2, 3, 4), "dal lunedì al venerdì"),
        ((4, 5, 6), "dal venerdì alla domenica"),
        ((0, 1, 2, 5), "dal lunedì al mercoledì e il sabato"),
        ((0, 2, 4), "il lunedì, il mercoledì e il venerdì"),
        (tuple(range(7)), "tutti i giorni"),
        ((), ""),
    ],
)
def test_weekdays(days: tuple[int, ...], text: str) -> None:
    assert italian.weekdays(days) == text


def test_every_set_of_weekdays_names_each_day_once_or_within_a_run() -> None:
    for mask in range(1, 128):
        days = [each for each in range(7) if mask >> each & 1]
        runs = italian.weekday_runs(days)
        assert [each for run in runs for each in run] == days
        assert all(len(run) != 2 for run in runs)
        text = italian.weekdays(days)
        assert "domenica" not in text or "la domenica" in text  # la, alla: never "il" or "al"
        assert not re.search(r"(^|, | e )(?!il |la |dal |tutti )\w+", text)


WEEK = {each: ["09:00-18:00"] for each in DAY_NAMES[:5]}


def test_opening_hours() -> None:
    assert italian.opening_hours(WEEK) == "dal lunedì al venerdì, dalle 9 alle 18"
    saturday = {**WEEK, "saturday": ["09:00-13:00"]}
    assert italian.opening_hours(saturday) == "dal lunedì al venerdì, dalle 9 alle 18, e il sabato, dalle 9 alle 13"
    assert italian.opening_hours({**WEEK, "wednesday": ["08:30-12:30", "14:00-17:00"]}) == (
        "il lunedì, il martedì, il giovedì e il venerdì, dalle 9 alle 18, "
        "e il mercoledì, dalle 8:30 alle 12:30 e dalle 14 alle 17"
    )
    assert italian.opening_hours({each: ["00:00-24:00"] for each in DAY_NAMES}) == "tutti i giorni, 24 ore su 24"
    assert italian.opening_hours({"monday": []}) == ""
    assert italian.opening_hours(WEEK, words=True) == "dal lunedì al venerdì, dalle nove alle diciotto"


def test_opening_groups_join_days_with_the_same_hours() -> None:
    week = {"monday": ["09:00-18:00"], "tuesday": ["09:00-13:00"], "wednesday": ["09:00-18:00"]}
    assert italian.opening_groups(week) == [([0, 2], ["09:00-18:00"]), ([1], ["09:00-13:00"])]


def test_lists() -> None:
    assert [italian.join(each) for each in ([], ["a"], ["a", "b"], ["a", "b", "c"], ["a", "e-mail"])] == [
        "", "a", "a e b", "a, b e c", "a ed e-mail",
    ]  # fmt: skip
