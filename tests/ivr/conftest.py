"""Asterisk's files, rendered from the shipped configuration."""

from __future__ import annotations

import pytest

from common.places import Places
from common.ports import Ports
from ivr import dialplan
from ivr.configuration.compiled import Compiled
from ivr.dialplan import Seat, Values, make_seats

FIRST, LAST = 2026, 2031


@pytest.fixture(scope="module")
def values() -> Values:
    return Values(
        templates=Places().templates,
        scripts="/srv/ivr/agi-bin",
        native="/srv/ivr/spool/native",
        recordings="/srv/ivr/monitor",
        moh="/srv/ivr/moh",
        first_year=FIRST,
        last_year=LAST,
        seats=make_seats(12, lambda name: Seat(name, password=f"secret-of-{name}")),
        engine_host="127.0.0.1",
        engine_port=4600,
        ports=Ports(10000, 10001, 10002, 10010, 11999),
        ami_user="ivr",
        ami_secret="very-secret",
    )


@pytest.fixture(scope="module")
def files(shipped: Compiled, values: Values) -> dict[str, str]:
    return dialplan.render(shipped, values)
