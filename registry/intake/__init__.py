"""From the facts of calls to requests."""
