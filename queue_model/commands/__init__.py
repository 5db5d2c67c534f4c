"""One module per command of `queue-model`, with `arguments(parser)` and `run(options, places) -> exit status`."""
