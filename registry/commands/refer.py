"""`registry refer`: pass a request to a job centre. It stays open until somebody closes it."""

from registry.acting import command

arguments, run = command("refer")
