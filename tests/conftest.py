"""What many tests want: the shipped configuration, and moments of Italian time."""

from __future__ import annotations

import copy
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, settings

from common.places import Places
from ivr.configuration import service
from ivr.configuration.compiled import Compiled

# A shell ignores SIGINT in what it starts in the background (`make test &`), and children inherit that: programs that a
# test stops with Ctrl-C would never stop.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A law holds or it does not; how long an example takes says only how busy the machine is.
settings.register_profile("steady", deadline=None)
# `make mutants`: the same examples each time, and a failure is not made smaller.
settings.register_profile(
    "mutants", deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("steady")

OPEN = "2026-11-24 10:00"  # a Tuesday
CLOSED = "2026-11-24 20:00"


def rome(moment: str) -> float:
    """Epoch seconds of a moment of Italian time: "2026-11-24 10:00"."""
    return datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Rome")).timestamp()


@pytest.fixture(scope="session")
def shipped() -> Compiled:
    """The configuration of this repository, compiled; not to be changed."""
    places = Places()
    return service.compiled(service.load(places), places)


@pytest.fixture
def compiled(shipped: Compiled, tmp_path: Path) -> Compiled:
    """The configuration of this repository, for one test to change; it writes into the test's own folder."""
    mine = copy.deepcopy(shipped)
    places = Places(var=str(tmp_path))
    mine["paths"] = {
        "facts": places.facts,
        "messages": places.messages,
        "native_messages": places.native_messages,
        "socket": places.socket,
    }
    return mine


@pytest.fixture(scope="session")
def at() -> Callable[[str], float]:
    return rome
