"""Messages: what the caller hears, the store, the list of call-backs."""
