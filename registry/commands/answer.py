"""`registry answer`: the citizen has the answer. The request's clocks stop."""

from registry.commands.request_action import command

arguments, run = command("answer")
