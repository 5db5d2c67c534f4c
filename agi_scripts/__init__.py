"""The AGI scripts that a dialplan starts: each passes its call to the engine, or else runs the flow itself."""
