"""`registry reopen`: open a request again, with a further clock."""

from registry.acting import command

arguments, run = command("reopen")
