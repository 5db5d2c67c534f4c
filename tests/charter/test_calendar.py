"""The calendar against PyPI `holidays`, and opening hours against a local clock, minute by minute."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from holidays.countries.italy import Italy
from hypothesis import given
from hypothesis import strategies as st

from charter.calendar import WEEKDAYS, OpeningHours, Range, easter, parse_range, patron_saint, public_holidays
from charter.patron_saints import CITIES

ROME = ZoneInfo("Europe/Rome")
OFFICE = [[parse_range("09:00-18:00")]] * 5 + [[], []]
ALWAYS = [[parse_range("00:00-24:00")]] * 7


def rome(text: str, fold: int = 0) -> float:
    """The instant of a local time of Rome."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME, fold=fold).timestamp()


def office(*closures: tuple[date, date, str], city: str | None = None) -> OpeningHours:
    return OpeningHours("Europe/Rome", OFFICE, list(closures), city=city)


# --- days ------------------------------------------------------------------------------------------------------------


def test_public_holidays_are_those_of_the_holidays_package_for_every_day_of_2010_to_2099() -> None:
    # The package also lists the day of national unity, a Sunday in November that is not a public holiday.
    oracle = holidays.country_holidays("IT", years=range(2010, 2100), language="it_IT")
    theirs = {day for day in oracle if oracle.get_list(day) != ["Giorno dell'unità nazionale"]}
    mine = {day for year in range(2010, 2100) for day in public_holidays(year)}
    assert mine == theirs


@pytest.mark.parametrize(
    ("year", "day"), [(1818, "1818-03-22"), (2008, "2008-03-23"), (2011, "2011-04-24"), (2038, "2038-04-25")]
)
def test_easter_at_its_earliest_and_latest(year: int, day: str) -> None:
    assert easter(year).isoformat() == day


def test_easter_is_that_of_another_algorithm() -> None:
    """Oudin's (1940), which counts otherwise; over many years, since some corrections apply once in a thousand."""
    for year in range(1583, 10000):
        century, golden = year // 100, year % 19
        moon = (century - century // 4 - (century - (century - 17) // 25) // 3 + 19 * golden + 15) % 30
        moon -= moon // 28 * (1 - moon // 28 * (29 // (moon + 1)) * ((21 - golden) // 11))
        weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
        month = 3 + (moon - weekday + 40) // 44
        assert easter(year) == date(year, month, moon - weekday + 28 - 31 * (month // 4)), year


def test_saint_francis_is_a_holiday_from_2026_and_the_anniversary_of_2011_only_once() -> None:
    assert date(2025, 10, 4) not in public_holidays(2025)
    assert public_holidays(2027)[date(2027, 10, 4)] == "San Francesco d'Assisi"
    assert [year for year in range(2001, 2100) if date(year, 3, 17) in public_holidays(year)] == [2011]


def test_two_holidays_on_one_day_keep_one_name() -> None:
    assert public_holidays(2011)[date(2011, 4, 25)] == "Festa della Liberazione"  # Easter Monday too
    assert public_holidays(2038)[date(2038, 4, 25)] == "Pasqua"  # 25 April too
    assert office(city="Bologna").holiday(date(2027, 10, 4)) == "San Francesco d'Assisi"  # and its patron
    assert office(city="Bologna").holiday(date(2025, 10, 4)) == "San Petronio"


# Known differences: the package has one entry per province, ours has one per city.
DIFFERENT = {
    "Perugia": "the package has Assisi's saints; the city keeps San Costanzo, 29 January",
}
PROVINCES = {"Massa": "MS", "Monza": "MB", "Verbania": "VB", "Forlì": "Forli"}


@pytest.mark.parametrize("city", sorted(set(CITIES) - set(DIFFERENT)))
def test_patron_saints_are_those_of_the_holidays_package(city: str) -> None:
    place = PROVINCES.get(city) or Italy.subdivisions_aliases.get(city, city)
    for year in (2026, 2027, 2032):
        day, name = patron_saint(city, year)
        assert day in holidays.country_holidays("IT", subdiv=place, years=year), name


def test_a_city_without_a_known_day_is_refused() -> None:
    with pytest.raises(KeyError):
        patron_saint("Asti", 2027)


def test_closed_days_are_in_order_with_their_names() -> None:
    hours = office((date(2027, 12, 24), date(2027, 12, 24), "Vigilia"), city="Roma")
    days = hours.closed_days(2027, 2027)
    assert days == sorted(days)
    assert (date(2027, 6, 29), "Santi Pietro e Paolo") in days
    assert (date(2027, 12, 24), "Vigilia") in days
    assert (date(2027, 3, 29), "Lunedì dell'Angelo") in days
    assert len(days) == 12 + 1 + 1 + 1  # 11 fixed dates and Easter, its Monday, the saint, the closure


def test_closed_days_extend_to_the_end_of_the_calendar() -> None:
    assert office().closed_days(9999, 9999)[-1] == (date(9999, 12, 26), "Santo Stefano")


# --- ranges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "found"), [("09:00-18:00", (540, 1080)), ("0:00-24:00", (0, 1440))])
def test_a_range_is_parsed(text: str, found: tuple[int, int]) -> None:
    assert parse_range(text) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("09:00", "'09:00' is not a range of hours; write it like \"09:00-18:00\""),
        ("18:00-09:00", "'18:00-09:00' ends before it starts; past midnight write two: until 24:00, and from 00:00"),
        ("9-18", "'9' is not a time of day; write it like \"09:00\""),
        ("09:60-18:00", "'09:60' is not a time of day; the last one is 24:00"),
        ("09:00-24:01", "'24:01' is not a time of day; the last one is 24:00"),
        ("٠٩:00-18:00", "'٠٩:00' is not a time of day; write it like \"09:00\""),
    ],
)
def test_an_invalid_range_is_refused_with_a_remedy(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"is not|ends before") as caught:
        parse_range(text)
    assert str(caught.value) == message


# --- instants --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "kind", "name"),
    [
        ("2026-11-23T09:00", "open", ""),
        ("2026-11-23T08:59:59.999", "hour", ""),
        ("2026-11-23T17:59:59.999", "open", ""),
        ("2026-11-23T18:00", "hour", ""),
        ("2026-11-21T12:00", "weekday", ""),
        ("2026-12-08T12:00", "holiday", "Immacolata Concezione"),
        ("2027-03-29T12:00", "holiday", "Lunedì dell'Angelo"),
        ("2027-10-04T12:00", "holiday", "San Francesco d'Assisi"),
        ("2026-12-07T12:00", "holiday", "Sant'Ambrogio"),
        ("2026-12-28T12:00", "closure", "Ferie"),
        ("2027-01-01T12:00", "closure", "Ferie"),
    ],
)
def test_the_reason_for_closing(at: str, kind: str, name: str) -> None:
    hours = office((date(2026, 12, 28), date(2027, 1, 1), "Ferie"), city="Milano")
    assert hours.closed_reason(rome(at)) == (kind, name)
    assert hours.is_open(rome(at)) == (kind == "open")


def test_the_next_opening_skips_weekends_holidays_and_closures() -> None:
    hours = office((date(2027, 1, 7), date(2027, 1, 8), "Lavori"))
    thursday_evening = rome("2026-12-31T18:00")
    assert hours.next_opening(thursday_evening) == rome("2027-01-04T09:00")
    assert hours.next_opening(rome("2027-01-05T18:00")) == rome("2027-01-11T09:00")
    assert hours.next_opening(rome("2027-01-04T10:00")) == rome("2027-01-04T10:00")


def test_adjacent_ranges_and_midnight_are_not_changes() -> None:
    week = [[parse_range("09:00-13:00"), parse_range("13:00-24:00")], [parse_range("00:00-02:00")], *[[]] * 5]
    hours = OpeningHours("Europe/Rome", week, national=False)
    assert hours.next_change(rome("2026-11-23T09:00")) == rome("2026-11-24T02:00")
    assert hours.next_change(rome("2026-11-24T01:00")) == rome("2026-11-24T02:00")
    assert hours.next_change(rome("2026-11-24T02:00")) == rome("2026-11-30T09:00")


def test_a_service_that_never_opens_or_closes() -> None:
    never = OpeningHours("Europe/Rome", [[]] * 7)
    assert never.next_opening(0) == never.next_change(0) == math.inf
    always = OpeningHours("Europe/Rome", ALWAYS, national=False)
    assert always.is_open(0) and always.next_change(0) == math.inf
    assert OpeningHours("Europe/Rome", ALWAYS).next_change(rome("2026-11-23T12:00")) == rome("2026-12-08T00:00")


def test_a_closure_of_centuries_is_one_step() -> None:
    hours = office((date(2027, 1, 1), date(2499, 12, 31), "Lavori"))
    assert hours.next_opening(rome("2027-01-01T00:00")) == rome("2500-01-04T09:00")
    for_ever = office((date(2027, 1, 1), date.max, "Fine"))
    assert for_ever.next_opening(rome("2027-01-01T00:00")) == math.inf


@pytest.mark.parametrize(("day", "hours"), [("2027-03-28", 23), ("2027-10-31", 25), ("2027-06-15", 24)])
def test_a_day_that_is_always_open_has_23_24_or_25_service_hours(day: str, hours: int) -> None:
    always = OpeningHours("Europe/Rome", ALWAYS, national=False)
    midnight = rome(f"{day}T00:00")
    assert always.service_seconds(midnight, midnight + hours * 3600) == hours * 3600
    assert always.local(midnight + hours * 3600).hour == 0
    sunday = OpeningHours("Europe/Rome", [[]] * 6 + [[parse_range("00:00-24:00")]], national=False)
    if sunday.is_open(midnight):
        assert sunday.next_change(midnight) == midnight + hours * 3600


def test_the_office_opens_at_local_time_around_a_clock_change() -> None:
    hours = office()
    for change in ("2026-03-29", "2026-10-25"):
        friday, monday = (date.fromisoformat(change) + timedelta(days=shift) for shift in (-2, 1))
        closing, opening = rome(f"{friday}T18:00"), rome(f"{monday}T09:00")
        assert hours.next_opening(closing) == opening
        assert hours.service_seconds(closing - 1800, opening) == 1800


def test_the_skipped_hour_and_the_repeated_hour() -> None:
    def sunday(*ranges: str) -> OpeningHours:
        return OpeningHours("Europe/Rome", [[]] * 6 + [[parse_range(each) for each in ranges]], national=False)

    jump = rome("2027-03-28T03:00")
    assert sunday("01:00-02:30").next_change(rome("2027-03-28T01:30")) == jump
    assert sunday("02:30-04:00").next_opening(rome("2027-03-28T01:30")) == jump
    assert sunday("02:10-02:50").next_opening(rome("2027-03-28T00:00")) == rome("2027-04-04T02:10")
    twice = sunday("01:00-02:30", "02:40-04:00")
    begin, end = rome("2027-10-31T01:00"), rome("2027-10-31T04:00")
    assert twice.service_seconds(begin, end) == 4 * 3600  # each second counts once, although the ranges overlap
    assert sunday("01:00-02:30").next_change(begin) == rome("2027-10-31T02:30", fold=1)
    assert sunday("02:30-04:00").next_opening(begin) == rome("2027-10-31T02:30")


def test_instants_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite epoch seconds"):
        office().service_seconds(0, math.inf)


def test_it_is_built_from_the_compiled_service() -> None:
    service = {
        "service": {"time_zone": "Europe/Rome"},
        "hours": {day: ["09:00-18:00"] if day == "monday" else [] for day in WEEKDAYS},
        "holidays": {
            "calendar": "none",
            "patron_saint": "Torino",
            "extra_closures": [{"first": "2026-11-23", "last": "2026-11-23", "reason": "Sciopero"}],
        },
    }
    hours = OpeningHours.of(service)
    assert hours.closed_reason(rome("2026-11-23T12:00")) == ("closure", "Sciopero")
    assert hours.closed_reason(rome("2026-12-08T12:00")) == ("weekday", "")
    assert hours.holiday(date(2027, 6, 24)) == "San Giovanni Battista"


def test_the_time_zone_of_the_machine_does_not_matter() -> None:
    program = (
        "from charter.calendar import *; h = OpeningHours('Europe/Rome', [[Range(540, 1080)]] * 7);"
        "print(h.next_opening(1795342000), h.next_change(1795370000), h.local(1795342000))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True
        ).stdout
        for zone in ("UTC", "Pacific/Auckland", "America/Los_Angeles")
    }
    assert len(said) == 1


def test_importing_the_calendar_loads_few_modules() -> None:
    program = "import sys, charter.calendar; print(sorted({'zoneinfo', 'asyncio', 'msgspec'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# --- laws ------------------------------------------------------------------------------------------------------------

minutes = st.integers(0, 24 * 60)
days_ranges = st.lists(minutes, max_size=6, unique=True).map(
    lambda cuts: [Range(a, b) for a, b in zip(*[iter(sorted(cuts))] * 2, strict=False)]
)
weeks = st.lists(days_ranges, min_size=7, max_size=7)
some_days = st.dates(date(2026, 1, 1), date(2028, 12, 31))


@st.composite
def closed_stretches(draw: st.DrawFn) -> tuple[date, date, str]:
    first = draw(some_days)
    return first, first + timedelta(days=draw(st.integers(0, 20))), "Chiusura"


calendars = st.builds(
    OpeningHours,
    st.sampled_from(["Europe/Rome", "UTC", "America/New_York", "Australia/Lord_Howe"]),
    weeks,
    st.lists(closed_stretches(), max_size=3),
    national=st.booleans(),
    city=st.sampled_from([None, "Roma", "Bolzano"]),
)
# Mostly near clock changes, where errors are likely.
instants = st.floats(rome("2026-01-01"), rome("2028-12-31")) | st.floats(-2e5, 2e5).map(
    lambda shift: rome("2027-10-31T02:00") + shift
)


@given(calendars, instants)
def test_the_service_is_open_at_the_next_opening_and_not_before(hours: OpeningHours, at: float) -> None:
    opening = hours.next_opening(at)
    assert opening >= at
    if math.isfinite(opening):
        assert hours.is_open(opening)
        assert hours.service_seconds(at, opening) == 0


@given(calendars, instants, st.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_the_next_change(hours: OpeningHours, at: float, share: float) -> None:
    change = hours.next_change(at)
    assert change > at
    before = hours.is_open(at)
    assert hours.is_open(at + share * min(change - at, 1e8) * 0.999) == before
    if math.isfinite(change):
        assert hours.is_open(change) != before


@given(calendars, instants, instants, instants)
def test_service_seconds_add_up(hours: OpeningHours, a: float, b: float, c: float) -> None:
    whole = hours.service_seconds(a, c)
    assert whole == pytest.approx(hours.service_seconds(a, b) + hours.service_seconds(b, c), abs=1e-3)
    assert abs(whole) <= abs(c - a) + 1e-6
    assert hours.service_seconds(c, a) == -whole


@given(calendars, instants)
def test_the_service_is_open_exactly_when_local_time_is_within_a_range(hours: OpeningHours, at: float) -> None:
    wall = hours.local(at)
    minute = wall.hour * 60 + wall.minute + wall.second / 60 + wall.microsecond / 6e7
    if wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset():
        return  # the repeated hour has its own test
    working = hours.closure(wall.date()) is None and hours.holiday(wall.date()) is None
    expected = working and any(start <= minute < until for start, until in hours.week[wall.weekday()])
    assert hours.is_open(at) == expected
    assert (hours.closed_reason(at).kind == "open") == expected


@given(st.floats(-6e10, 2e11))
def test_local_time_is_right_over_the_whole_calendar(at: float) -> None:
    assert office().local(at) == datetime.fromtimestamp(at, UTC)
