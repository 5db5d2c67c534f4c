"""One module per command of `measure`: `arguments(parser)` and `run(options, places) -> exit status`."""
