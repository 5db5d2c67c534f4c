"""Mutation testing: small changes of the source that a test must notice (`make mutants`)."""
