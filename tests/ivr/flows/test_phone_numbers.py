"""Numbers to call back, beside PyPI `phonenumbers`."""

from __future__ import annotations

import random
import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ivr.flows.phone_numbers import normalise


@pytest.mark.parametrize(
    ("given_number", "number"),
    [
        ("3331234567", "+393331234567"),
        ("333 123 4567", "+393331234567"),
        ("+393331234567", "+393331234567"),
        ("00393331234567", "+393331234567"),
        ("393331234567", "+393331234567"),
        ("335123456", "+39335123456"),  # nine digits, from the first years
        ("0612345678", "+390612345678"),
        ("+39 06 1234.5678", "+390612345678"),
        ("390612345678", "+390612345678"),
        ("011/1234567", "+390111234567"),
        ("0549885123", "+390549885123"),  # San Marino, dialled from Italy
        ("5512345678", "+395512345678"),
        ("+442079460018", "+442079460018"),
        ("0033 1 42 68 53 00", "+33142685300"),
        ("+12125550123", "+12125550123"),
        ("+2908999", "+2908999"),  # the shortest there is, Saint Helena
    ],
)
def test_a_number_that_can_be_called_back(given_number: str, number: str) -> None:
    assert normalise(given_number) == number


@pytest.mark.parametrize(
    "given_number",
    [
        *("", " ", "+", "00", "+39", "0039", "anonymous", "unknown", "restricted", "s", "<unknown>"),
        *("112", "113", "118", "1500", "12", "4242", "187", "0", "06", "06123"),
        *("800000039", "+39800000039", "803803", "840123456", "848123456", "199123456", "899123456", "0878123456"),
        *("1234567890", "7001234567", "0333123456", "3", "30012345678901", "333123456789"),
        *("+0393331234567", "+39 0039 3331234567", "++393331234567", "39+3331234567", "+390000000000"),
        *("+80012345678", "+870773123456", "+881612345678", "+882161234567", "+88812345678", "+979123456789"),
        *("+19005550123", "+12129765550", "+1212555012", "+121255501234", "+999123456789", "+4412", "+" + "4" * 16),
        *("333123456a", "333-123-4567;", "3331234567*", "333#1234567", "'; DROP TABLE calls; --", '"3331234567"'),
        *("3331234567\n", "3331234567\r\nHANGUP", "333\x001234567", "333\t1234567", "${SHELL(id)}", "٣٣٣١٢٣٤٥٦٧"),
        *("3" * 10_000, " " * 10_000 + "3331234567", "3331234567" + " " * 10_000, "\ud800", "(06)12345678"),
    ],
)
def test_no_number_to_call_back(given_number: str) -> None:
    assert normalise(given_number) is None


def test_elsewhere_a_number_needs_its_country_code() -> None:
    assert normalise("2079460018", "GB") is None
    assert normalise("+442079460018", "GB") == "+442079460018"
    assert normalise("0039061234567", "CH") == "+39061234567"


@pytest.mark.parametrize("kind", [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE])
def test_a_typical_number_of_every_country_of_the_world_is_accepted(kind: int) -> None:
    refused = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is not None:
            wanted = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            if normalise(wanted) != wanted or normalise("00" + wanted[1:]) != wanted:
                refused.append(wanted)
    assert refused == []


CALLABLE = {PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.VOIP}


@pytest.mark.parametrize("first", ["0", "3", "43", "55", "1", "2", "8", "39", "06", "08", "800", "899", "0878"])
def test_italian_numbers_are_those_of_phonenumbers(first: str) -> None:
    """What is valid and of a kind that is called is accepted; what is accepted has a possible length."""
    draw = random.Random(first)
    for _ in range(300):
        text = first + "".join(draw.choices("0123456789", k=draw.randrange(3, 12)))
        if text.startswith("00"):
            continue
        number = phonenumbers.parse(text, "IT")
        kind = phonenumbers.number_type(number)
        wanted = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        found = normalise(text)
        # 12 digits: `phonenumbers` allows for a growth of the plan that has not come
        if kind in CALLABLE and len(wanted) <= 14:
            assert found == wanted, text
        if found is not None:
            assert found == wanted, text
            assert phonenumbers.is_possible_number(number), text
            assert kind in {*CALLABLE, PhoneNumberType.UNKNOWN}, text


@given(st.text() | st.text("0123456789+ .-*#", max_size=20))
@example("+39 06 1234567")
def test_any_text_gives_a_number_or_none_and_normalising_twice_changes_nothing(text: str) -> None:
    number = normalise(text)
    if number is not None:
        assert number[0] == "+" and number[1:].isascii() and number[1:].isdigit() and 8 <= len(number) <= 16
        assert normalise(number) == number


def test_import_is_light() -> None:
    heavy = {"phonenumbers", "typing", "json", "datetime"}
    program = f"import sys, ivr.flows.phone_numbers; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
