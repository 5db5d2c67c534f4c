"""`registry reopen`: open a request again, with a further clock."""

from registry.commands.request_action import command

arguments, run = command("reopen")
