"""`registry escalate`: pass a request to the next level; to the second, with the Carta's ten days."""

from registry.commands.request_action import command

arguments, run = command("escalate")
