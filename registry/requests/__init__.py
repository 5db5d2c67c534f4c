"""A request's life: its number, transitions, clocks, history."""
