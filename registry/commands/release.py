"""`registry release`: put a request back: nobody has it, anybody may take it."""

from registry.acting import command

arguments, run = command("release")
