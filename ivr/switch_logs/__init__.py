"""Asterisk's queue_log: its lines, and the visits that they describe."""
