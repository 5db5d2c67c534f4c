"""The answers of `queue-model erlang`, one module for each kind of question."""
