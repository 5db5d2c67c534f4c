"""What ops write, checked, and compiled into the one file that calls read."""
