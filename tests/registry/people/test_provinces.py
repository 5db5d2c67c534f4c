"""The codes of the provinces."""

from __future__ import annotations

import holidays
import pytest

from common.command_line import Refusal
from registry.people.provinces import CODES, check_province


def test_the_provinces_match_another_list() -> None:
    others = {code for code in holidays.country_holidays("IT").subdivisions if len(code) == 2}
    assert others == CODES
    assert len(CODES) == 107


@pytest.mark.parametrize("said", ["RM", " rm ", "Rm"])
def test_a_code_is_accepted_in_any_case(said: str) -> None:
    assert check_province(said) == "RM"


@pytest.mark.parametrize("said", ["", "Roma", "XX", "R\x00", "ＲＭ", "'; --", "x" * 1_000_000])
def test_an_invalid_code_is_refused(said: str) -> None:
    with pytest.raises(Refusal, match="is not a province; write its two letters, such as RM") as problem:
        check_province(said)
    assert str(problem.value).isprintable() and len(str(problem.value)) < 200
