"""`registry take`: take a request that nobody has. Of two who try, one gets it and the other is told."""

from registry.commands.request_action import command

arguments, run = command("take")
