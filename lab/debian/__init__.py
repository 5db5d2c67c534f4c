"""Asterisk, SIPp and PostgreSQL from Debian's packages, without root."""
