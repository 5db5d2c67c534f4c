"""A private Asterisk: installed without root, run on ports of its own, queried, stopped."""
