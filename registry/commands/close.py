"""`registry close`: end a request, with its outcome."""

from registry.commands.request_action import command

arguments, run = command("close")
