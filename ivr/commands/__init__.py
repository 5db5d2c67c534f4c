"""One module per command of `ivr`: `arguments(parser)` and `run(options, places) -> exit status`."""
