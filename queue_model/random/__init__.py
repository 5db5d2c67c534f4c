"""Random streams and variates."""
