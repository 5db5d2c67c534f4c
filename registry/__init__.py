"""Requests, their clocks and their end: the database of the service."""
