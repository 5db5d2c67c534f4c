"""The life of a message: what the caller hears, the store, the list of who is to be called back."""
