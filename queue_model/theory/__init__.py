"""Exact results and approximations of queueing theory."""
