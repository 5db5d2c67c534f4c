"""`registry resume`: the citizen has done it. The request's clocks go on with what was left."""

from registry.commands.request_action import command

arguments, run = command("resume")
