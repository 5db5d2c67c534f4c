"""`registry take`: take a request that nobody has. Of two who try, one gets it and the other is told."""

from registry.acting import command

arguments, run = command("take")
