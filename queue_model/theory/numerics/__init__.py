"""Numerical helpers of the theory."""
