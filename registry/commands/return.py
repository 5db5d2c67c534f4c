"""`registry return`: send a request back to the level that it came from; the second level's promise stays."""

from registry.commands.request_action import command

arguments, run = command("return")
