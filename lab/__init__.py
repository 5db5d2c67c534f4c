"""Private copies of the real parts (Asterisk, SIPp, PostgreSQL), obtained and run without root; the demonstration."""
