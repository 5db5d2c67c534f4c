"""Runs of studies: replications, comparisons, sweeps, and where they are executed."""
