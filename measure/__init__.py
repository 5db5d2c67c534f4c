"""Visits from Asterisk's queue_log and CDR, and the figures calculated from them."""
