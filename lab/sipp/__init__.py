"""SIPp as simulated callers and operators: its scenarios, its processes."""
