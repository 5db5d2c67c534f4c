"""`registry wait`: the citizen has to do something first. The request's clocks stand still."""

from registry.commands.request_action import command

arguments, run = command("wait")
