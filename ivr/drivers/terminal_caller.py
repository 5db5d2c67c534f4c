"""A person at the terminal as the caller of a rehearsal: prompts are printed, keys are read, the flow is real."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from ivr.configuration.compiled import Compiled
from ivr.drivers.rehearsal import SHORTEST_SILENCE, HangsUp, Press, Speech

KEYS = "0123456789*#"
HANG_UP = "hHqQ\x04"


class TerminalCaller:
    """Prints what a caller would hear and passes on the keys that the person presses; `h` hangs up."""

    def __init__(self, compiled: Compiled) -> None:
        self._prompts = compiled["prompts"]
        self._raw = False

    @contextmanager
    def keys_one_by_one(self) -> Iterator[None]:
        """Read single keys instead of lines, if standard input is a terminal."""
        if not sys.stdin.isatty():
            yield
            return
        before = termios.tcgetattr(0)
        try:
            tty.setcbreak(0)
            self._raw = True
            yield
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, before)
            self._raw = False

    def hear(self, prompt: str, seconds: float, keys: str) -> Press | None:
        sheet = self._prompts.get(prompt)
        print(f"   «{sheet['text'] if sheet else prompt}»", flush=True)
        return None

    def wait(self, seconds: float) -> Press | None:
        if seconds < SHORTEST_SILENCE:
            return None
        print(f"   [{seconds:g} s: tasto 0-9 * #, invio = nessun tasto, h = riaggancia] ", end="", flush=True)
        key = self._key(seconds)
        print(key or "-", flush=True)
        return Press(key, min(1.0, seconds)) if key else None

    def speak(self, longest: float) -> Speech:
        print(
            f"   (bip) [parli: quanti secondi dura il messaggio? fino a {longest:g}, poi invio; h = riaggancia] ",
            end="",
            flush=True,
        )
        said = self._line()
        print(flush=True)
        if not said or said[0] in HANG_UP:
            raise HangsUp(3.0)
        try:
            return Speech(min(float(said), longest))
        except ValueError:
            return Speech(3.0)

    def _key(self, seconds: float) -> str:
        """One valid key within the time, "" for none."""
        while True:
            if self._raw and not select.select([0], [], [], seconds)[0]:
                return ""
            pressed = os.read(0, 1).decode(errors="replace")
            if not pressed or pressed in HANG_UP:
                print("h")
                raise HangsUp(1.0)
            if pressed in KEYS:
                return pressed
            if pressed == "\n":
                return ""

    def _line(self) -> str:
        line = ""
        while (pressed := os.read(0, 1).decode(errors="replace")) not in ("", "\n"):
            if self._raw:
                print(pressed, end="", flush=True)
            line += pressed
        return line.strip()
