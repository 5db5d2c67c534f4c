"""Replications: run, spread over processors, compared."""
