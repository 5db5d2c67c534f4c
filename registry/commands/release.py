"""`registry release`: put a request back: nobody has it, anybody may take it."""

from registry.commands.request_action import command

arguments, run = command("release")
