"""`registry wait`: the citizen has to do something first. The request's clocks stand still."""

from registry.acting import command

arguments, run = command("wait")
