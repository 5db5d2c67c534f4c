"""`registry refer`: pass a request to a job centre. It stays open until somebody closes it."""

from registry.commands.request_action import command

arguments, run = command("refer")
