"""The codes of the 107 Italian provinces (ISTAT's list of 2024), and the check of a code that somebody typed."""

from __future__ import annotations

from common.command_line import Refusal
from common.suggestions import did_you_mean
from registry import text_input
from registry.texts import translate

CODES = frozenset((
    "AG", "AL", "AN", "AO", "AP", "AQ", "AR", "AT", "AV", "BA", "BG", "BI", "BL", "BN", "BO", "BR", "BS", "BT", "BZ",
    "CA", "CB", "CE", "CH", "CL", "CN", "CO", "CR", "CS", "CT", "CZ", "EN", "FC", "FE", "FG", "FI", "FM", "FR", "GE",
    "GO", "GR", "IM", "IS", "KR", "LC", "LE", "LI", "LO", "LT", "LU", "MB", "MC", "ME", "MI", "MN", "MO", "MS", "MT",
    "NA", "NO", "NU", "OR", "PA", "PC", "PD", "PE", "PG", "PI", "PN", "PO", "PR", "PT", "PU", "PV", "PZ", "RA", "RC",
    "RE", "RG", "RI", "RM", "RN", "RO", "SA", "SI", "SO", "SP", "SR", "SS", "SU", "SV", "TA", "TE", "TN", "TO", "TP",
    "TR", "TS", "TV", "UD", "VA", "VB", "VC", "VE", "VI", "VR", "VT", "VV",
))  # fmt: skip


def check_province(typed: str, what: str = "province") -> str:
    """Return the code in capital letters. Raises `Refusal`."""
    code = typed.strip().upper()
    if code not in CODES:
        hint = did_you_mean(code, sorted(CODES)) if len(code) == 2 else ""
        raise Refusal(
            translate(
                "{what}: {typed} is not a province; write its two letters, such as RM{hint}",
                what=what,
                typed=text_input.quote(typed),
                hint=hint,
            )
        )
    return code
