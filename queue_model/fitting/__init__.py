"""Fits scenario parameters to logs, and forecasts calls."""
