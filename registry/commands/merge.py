"""`registry merge`: a request is another one's double: it is closed with a reference to that one."""

from registry.commands.request_action import command

arguments, run = command("merge")
