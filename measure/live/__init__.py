"""The state of the queue now."""
