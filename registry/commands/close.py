"""`registry close`: end a request, with its outcome."""

from registry.acting import command

arguments, run = command("close")
