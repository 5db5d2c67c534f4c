"""`registry merge`: a request is another one's double: it is closed with a reference to that one."""

from registry.acting import command

arguments, run = command("merge")
