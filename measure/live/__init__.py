"""The queue as it is now."""
