"""`registry answer`: the citizen has the answer. The request's clocks stop."""

from registry.acting import command

arguments, run = command("answer")
