"""The path of one call-back through the code: which files it enters, how often it changes package.

A message is listed, taken, called and closed, with a registry on SQLite and a scripted manager in place of the switch:
by one `CallbackService`, as a web desk does, and by four commands. Imports are not counted. A change of package is a
call from code of one top-level package to code of another; library code in between is skipped. `pytest -s` prints the
figures. The limits leave some room: a change that exceeds them has made the path longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any

import pytest

from common.places import ROOT
from ivr.ami.account import Ami, account
from tests.conftest import rome
from tests.ivr.ami.peer import Visitor, manager
from tests.voicemail.work import Work
from voicemail import cli
from voicemail.callback.service import CallbackService

CALLBACK = os.path.join("voicemail", "callback", "")
PACKAGES = ("charter", "common", "ivr", "registry", "voicemail")
TEXTS = ("common/texts.py", "common/italian.py")  # looking up a text is no step of the path
NIGHT, MORNING = rome("2026-11-23 22:00"), rome("2026-11-24 09:30")


class Trace:
    """Counts calls of product code in this thread and new ones while it is active."""

    def __init__(self) -> None:
        self.files: Counter[str] = Counter()  # calls, by file
        self.crossings: Counter[tuple[str, str]] = Counter()  # calls from one package to another
        self.entrances: set[str] = set()  # files of voicemail.callback that are called from outside it

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        threading.setprofile(self._event)  # threads that start from now on
        sys.setprofile(self._event)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    @property
    def changes(self) -> int:
        return sum(self.crossings.values())

    def print(self) -> None:
        print(f"\n{len(self.files)} files, {self.changes} changes of package")
        for (caller, called), count in self.crossings.most_common():
            print(f"{count:6} {caller} > {called}")
        for file, count in sorted(self.files.items()):
            print(f"{count:6} {file}")

    def _event(self, frame: FrameType, event: str, argument: Any) -> None:
        file = _product_file(frame)
        if event != "call" or file is None:
            return
        self.files[file] += 1
        caller = _calling_file(frame)
        if file.startswith(CALLBACK) and not (caller or "").startswith(CALLBACK):
            self.entrances.add(file.removeprefix(CALLBACK))
        if caller is not None and _package(caller) != _package(file):
            self.crossings[_package(caller), _package(file)] += 1


def _product_file(frame: FrameType) -> str | None:
    path = frame.f_code.co_filename.removeprefix(ROOT + os.sep)
    return path if _package(path) in PACKAGES and path not in TEXTS else None


def _package(file: str) -> str:
    return file.partition(os.sep)[0]


def _calling_file(frame: FrameType) -> str | None:
    before = frame.f_back
    while before is not None:
        if (file := _product_file(before)) is not None:
            return file
        before = before.f_back
    return None


async def _switch(visitor: Visitor) -> None:
    """Log the operator in at a seat, place one call, report that the citizen answered."""
    await visitor.welcome()
    asked = await visitor.hear()
    await visitor.reply(asked, "EventList: start")
    await visitor.reply(asked, "Val: seat07", kind="Event: DBGetResponse")
    await visitor.reply(asked, "EventList: Complete", kind="Event: DBGetComplete")
    asked = await visitor.hear()
    await visitor.reply(asked, "Message: Originate successfully queued")
    event = f"Event: VarSet\r\nUniqueid: {asked['ChannelId']}\r\nVariable: IVR_CALLED_BACK\r\nValue: ANSWER 16\r\n\r\n"
    await visitor.send(event.encode())
    await visitor.reply(asked, "Response: Success", kind="Event: OriginateResponse")
    await visitor.reader.read()


@contextlib.contextmanager
def _running_switch() -> Iterator[Ami]:
    """The scripted manager, in a thread of its own."""
    accounts: list[Ami] = []
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with manager(_switch) as switch:
            accounts.append(switch)
            ready.set()
            await asyncio.to_thread(stop.wait, 60)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield accounts[0]
    finally:
        stop.set()
        thread.join()


def _by_commands(work: Work, message: str) -> None:
    operator = ["--by", "op117"]
    for words in (
        ["list"],
        ["take", message, *operator],
        ["call", message, *operator],
        ["outcome", message, "reached", *operator],
    ):
        assert cli.main(["--var", work.places.var, *words], clock=lambda: MORNING) == 0


def _by_service(work: Work, message: str) -> None:
    service = CallbackService.of(work.places)
    (entry,) = service.list_entries(MORNING).entries
    service.take(entry.protocol, "op117", MORNING)
    called = service.call(message, "op117", MORNING, partial(account, work.places), lambda protocol, seat: None)
    assert asyncio.run(called).proposed == "reached"
    assert service.record_outcome(message, "reached", "op117", MORNING).outcome == "resolved"


@pytest.mark.parametrize(
    ("call_back", "most_files", "most_changes"),
    [(_by_service, 31, 74), (_by_commands, 40, 124)],
    ids=["service", "commands"],
)
def test_a_call_back_enters_few_files(
    desk_work: Work,
    monkeypatch: pytest.MonkeyPatch,
    call_back: Callable[[Work, str], None],
    most_files: int,
    most_changes: int,
) -> None:
    trace = Trace()
    monkeypatch.setenv("NUL_DATABASE", str(desk_work.database.url))
    with _running_switch() as switch:
        monkeypatch.setenv("NUL_AMI", f"{switch.user}@{switch.host}:{switch.port}")
        monkeypatch.setenv("NUL_AMI_SECRET", switch.secret)
        call_back(desk_work, desk_work.message(NIGHT, "+390287654321").id)  # imports everything
        message = desk_work.message(NIGHT).id
        with trace.active():
            call_back(desk_work, message)
    trace.print()
    assert trace.entrances == {"service.py"}
    assert len(trace.files) <= most_files
    assert trace.changes <= most_changes
