"""A brake for those who guess the passwords of telephones; works without root.

Asterisk checks every password that anybody sends, thousands a second. The guard listens to its security events, and
after some failures from one address it writes that address into a file of `deny` lines that each seat's endpoint
includes, and lets Asterisk reload it: no password from there is accepted any more, not even the right one, until the
address has been quiet for a while. Calls through the trunk are not concerned: no password is asked of them.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import deque
from collections.abc import Callable, Iterable

from common.safe_files import write_file
from ivr.ami import AmiError, Connection, Message, follow_events
from ivr.ami.account import Ami

FAILURES = frozenset(("InvalidPassword", "ChallengeResponseFailed", "InvalidAccountID", "FailedACL"))
MOST_ADDRESSES = 10_000  # remembered at the same time; a sender of UDP can invent any number
RENEW_SECONDS = 10.0  # how often addresses that have become quiet are released


class Brake:
    """Which addresses are blocked. Instants are seconds of a steady clock."""

    def __init__(self, most: int, within: float, block: float, never: Iterable[str] = ()) -> None:
        """Block after `most` failures within so many seconds, until an address was quiet for `block` seconds.

        `never`: networks that are not blocked. Raises ValueError for an invalid one.
        """
        self._most, self._within, self._block = most, within, block
        self._never = [ipaddress.ip_network(network, strict=False) for network in never]
        self._failures: dict[str, deque[float]] = {}  # the latest `most` of each address
        self._until: dict[str, float] = {}

    def failed(self, address: str, now: float) -> bool:
        """Note a failure; True when the address is blocked from now on."""
        if any(ipaddress.ip_address(address) in network for network in self._never):
            return False
        if address in self._until:
            self._until[address] = now + self._block
            return False
        if address not in self._failures and len(self._failures) >= MOST_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        failures = self._failures.setdefault(address, deque(maxlen=self._most))
        failures.append(now)
        if len(failures) < self._most or now - failures[0] > self._within:
            return False
        del self._failures[address]
        self._until[address] = now + self._block
        return True

    def release(self, now: float) -> list[str]:
        """Unblock the addresses that were quiet for long enough; returns them."""
        quiet = [address for address, until in self._until.items() if until <= now]
        for address in quiet:
            del self._until[address]
        return quiet

    @property
    def blocked(self) -> list[str]:
        return sorted(self._until)


def remote_address(event: Message) -> str | None:
    """The address in a security event, such as `IPV4/UDP/192.0.2.7/5060`; None when it has none."""
    parts = event.get("RemoteAddress", "").split("/")
    try:
        return str(ipaddress.ip_address(parts[2])) if len(parts) == 4 else None
    except ValueError:
        return None


def render_blocked(addresses: Iterable[str]) -> str:
    """The lines of the file: an address of IPv4 or IPv6 as a network of one."""
    lines = [f"deny = {address}/{ipaddress.ip_address(address).max_prefixlen}\n" for address in addresses]
    return "".join(["; Written by `ivr guard`: addresses from which wrong passwords came.\n", *lines])


class Guard:
    """Follows the security events of a switch and keeps its file of blocked addresses."""

    def __init__(self, account: Ami, brake: Brake, path: str, report: Callable[[str], object]) -> None:
        self._account, self._brake, self._path, self._report = account, brake, path, report
        self._connection: Connection | None = None
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Guard until cancelled. Raises `LoginRefused`, OSError."""
        self._write()
        applying = asyncio.create_task(self._apply_changes())
        following = asyncio.create_task(
            follow_events(
                self._account, self._resync, self._handle, self._disconnected, every=RENEW_SECONDS, events="security"
            )
        )
        try:
            done, _ = await asyncio.wait([applying, following], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (applying, following):
                task.cancel()
            await asyncio.gather(applying, following, return_exceptions=True)

    async def _resync(self, connection: Connection) -> None:
        if connection is not self._connection:  # a new connection: the switch may have read an older file
            self._connection = connection
            self._changed.set()
        await connection.action("Ping")
        for address in self._brake.release(time.monotonic()):
            self._report(f"{address}: no longer blocked")
            self._changed.set()

    def _handle(self, event: Message) -> None:
        if event.get("Event") not in FAILURES or (address := remote_address(event)) is None:
            return
        if self._brake.failed(address, time.monotonic()):
            self._report(f"{address}: blocked after wrong passwords")
            self._changed.set()

    def _disconnected(self, problem: AmiError) -> None:
        self._connection = None
        self._report(str(problem))

    async def _apply_changes(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            self._write()
            if self._connection is not None:
                try:
                    await self._connection.action("Reload", {"Module": "res_pjsip.so"})
                except AmiError as problem:
                    self._report(f"{problem}; the addresses are blocked with the next reload")

    def _write(self) -> None:
        write_file(self._path, render_blocked(self._brake.blocked), 0o644)  # the switch may run as another user
