"""`registry assign`: give a request to an operator: `--to op118`. From then on it is in progress."""

from registry.commands.request_action import command

arguments, run = command("assign")
