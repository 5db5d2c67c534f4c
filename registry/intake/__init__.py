"""The intake: from the facts of calls to requests."""
