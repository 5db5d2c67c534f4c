"""Which addresses the brake blocks, and what Asterisk reads of them. On a real switch: tests/asterisk/resilience."""

from __future__ import annotations

import pytest

from ivr import guard
from ivr.guard import Brake, remote_address, render_blocked

HERE = "192.0.2.7"


def test_an_address_is_blocked_at_the_last_of_its_attempts_and_no_other() -> None:
    brake = Brake(3, 60, 600)
    assert [brake.failed(HERE, now) for now in (0.0, 10.0, 20.0)] == [False, False, True]
    assert not brake.failed("192.0.2.8", 20.0)
    assert brake.blocked == [HERE]


def test_attempts_far_apart_do_not_block() -> None:
    """A telephone with an old password tries again every few minutes."""
    brake = Brake(3, 60, 600)
    assert not any(brake.failed(HERE, 40.0 * n) for n in range(50))


def test_an_address_is_blocked_until_it_was_quiet_for_long_enough() -> None:
    brake = Brake(1, 60, 600)
    assert brake.failed(HERE, 0.0)
    assert not brake.failed(HERE, 500.0)  # still trying
    assert brake.release(1099.9) == []
    assert brake.release(1100.0) == [HERE]
    assert brake.blocked == []
    assert brake.failed(HERE, 1200.0)


def test_networks_of_the_site_are_never_blocked() -> None:
    brake = Brake(1, 60, 600, ["192.0.2.0/24", "2001:db8::/32"])
    assert not brake.failed(HERE, 0.0) and not brake.failed("2001:db8::7", 0.0)
    assert brake.failed("198.51.100.1", 0.0)
    with pytest.raises(ValueError, match="does not appear to be"):
        Brake(1, 60, 600, ["the office"])


def test_the_memory_of_addresses_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MOST_ADDRESSES", 10)
    brake = Brake(2, 60, 600)
    for n in range(250):
        brake.failed(f"198.51.100.{n}", 0.0)
    assert len(brake._failures) == 10


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("IPV4/UDP/192.0.2.7/5060", HERE),
        ("IPV6/TLS/2001:db8::7/5061", "2001:db8::7"),
        ("IPV4/UDP/evil;deny=0.0.0.0/5060", None),
        ("", None),
        ("192.0.2.7", None),
    ],
)
def test_the_address_of_an_event(value: str, address: str | None) -> None:
    assert remote_address({"Event": "InvalidPassword", "RemoteAddress": value}) == address


def test_the_lines_for_asterisk() -> None:
    assert render_blocked([HERE, "2001:db8::7"]).splitlines()[1:] == ["deny = 192.0.2.7/32", "deny = 2001:db8::7/128"]
