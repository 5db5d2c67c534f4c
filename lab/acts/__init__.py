"""What the demonstration shows after the first call."""
