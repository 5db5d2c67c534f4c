"""Asterisk's files for a private switch: the whole configuration, with its own ports and passwords."""

from __future__ import annotations

import argparse
import os

from common.places import Places
from common.ports import HOST
from ivr import rendering
from ivr.configuration.compiled import Compiled
from ivr.dialplan import Values
from lab.switch.asterisk import Switch
from lab.switch.by_name import find_switch


def render(options: argparse.Namespace, places: Places) -> int:
    """`lab switch render`; returns the exit status."""
    folder = os.path.abspath(options.output) if options.output else os.path.join(places.switch(options.name), "etc")

    def values(compiled: Compiled, now: float) -> Values:
        return private_values(compiled, places, _prepared(options, places), now)

    return rendering.render_into(folder, values, options, places, site=False)[0]


def private_values(compiled: Compiled, places: Places, chosen: Switch, now: float) -> Values:
    """The values of a prepared private switch: its ports and its manager password."""
    ami = chosen.ami
    return Values(
        **rendering.common_values(compiled, places, now),
        recordings=os.path.join(chosen.spool, "monitor"),
        moh=os.path.join(chosen.folder, "share", "moh"),
        ports=chosen.ports,
        media_address=HOST,
        ami_user=ami.user,
        ami_secret=ami.secret,
    )


def _prepared(options: argparse.Namespace, places: Places) -> Switch:
    """The private switch with its ports; unless it runs, it gets new ones if the old ones are in use."""
    chosen = find_switch(places, options.name, needed=False)
    if chosen.pid is not None or options.diff_only:
        return chosen
    chosen = find_switch(places, options.name)
    with chosen.alone():
        chosen.prepare(lambda prepared: None)
    return chosen
