"""The codes of the Italian provinces, 107 as in ISTAT's list of 2024, and what else stands where one belongs."""

from __future__ import annotations

from common.command_line import Refusal
from common.suggestions import did_you_mean
from registry import text_input

CODES = frozenset((
    "AG", "AL", "AN", "AO", "AP", "AQ", "AR", "AT", "AV", "BA", "BG", "BI", "BL", "BN", "BO", "BR", "BS", "BT", "BZ",
    "CA", "CB", "CE", "CH", "CL", "CN", "CO", "CR", "CS", "CT", "CZ", "EN", "FC", "FE", "FG", "FI", "FM", "FR", "GE",
    "GO", "GR", "IM", "IS", "KR", "LC", "LE", "LI", "LO", "LT", "LU", "MB", "MC", "ME", "MI", "MN", "MO", "MS", "MT",
    "NA", "NO", "NU", "OR", "PA", "PC", "PD", "PE", "PG", "PI", "PN", "PO", "PR", "PT", "PU", "PV", "PZ", "RA", "RC",
    "RE", "RG", "RI", "RM", "RN", "RO", "SA", "SI", "SO", "SP", "SR", "SS", "SU", "SV", "TA", "TE", "TN", "TO", "TP",
    "TR", "TS", "TV", "UD", "VA", "VB", "VC", "VE", "VI", "VR", "VT", "VV",
))  # fmt: skip


def checked(said: str, what: str = "province") -> str:
    """The code in capital letters. Raises `Refusal`."""
    code = said.strip().upper()
    if code not in CODES:
        hint = did_you_mean(code, sorted(CODES)) if len(code) == 2 else ""
        raise Refusal(f"{what}: {text_input.shown(said)} is no province; write its two letters, such as RM{hint}")
    return code
