"""The switches below a `var/`, by name."""

from __future__ import annotations

import os
import re
import sys

from common.command_line import Refusal
from common.places import ROOT, Places
from lab.debian.download import Report
from lab.switch import state as states
from lab.switch.asterisk import Switch
from lab.switch.installation import NOT_INSTALLED, installed, system_installation


def find_switch(
    places: Places, name: str = "main", *, system: bool = False, needed: bool = True, report: Report = lambda line: None
) -> Switch:
    """The switch of this name, with the folders that the calls of the service write to.

    A switch that was started with the system's Asterisk keeps it while it runs. When the installation is not `needed`,
    nothing has to be installed. Raises `Refusal`.
    """
    if not re.fullmatch(r"\w[\w-]*", name, re.ASCII) or name == os.path.basename(places.tree):
        raise Refusal(f"--name {name}: not a valid name; use letters, digits, - and _, and not 'tree'")
    folder = places.switch(name)
    state = states.load(folder)
    if system or (state.system and state.alive):
        installation = system_installation(places)
    else:
        installation = installed(places) or NOT_INSTALLED
    if needed and not installation.lines:
        raise Refusal("the private switch is not installed; run `lab switch install`")
    return Switch(
        installation,
        folder,
        prompts=places.audio,
        shared=shared_folders(places),
        starts=[script_probe()],
        report=report,
    )


def switch_names(places: Places) -> list[str]:
    """The names of all switches that were prepared here, sorted."""
    home = os.path.dirname(places.tree)
    folders = os.listdir(home) if os.path.isdir(home) else []
    return sorted(name for name in folders if os.path.exists(os.path.join(home, name, "state.json")))


def shared_folders(places: Places) -> tuple[str, ...]:
    """Where the calls write, apart from the switch's own folder. The engine's socket is in var/ itself."""
    return places.var, places.facts, places.messages, places.native_messages


def script_probe() -> list[str]:
    """A command line that works for every account that can start our AGI scripts: this interpreter, these sources."""
    return [sys.executable, "-ISE", "-c", f"import sys; sys.path.append({ROOT!r}); import ivr.drivers.relay"]
