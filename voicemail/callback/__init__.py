"""Calling back those who left a message."""
