"""One module per command of `queue-model`: `arguments(parser)` and `run(options, places) -> exit status`."""
