"""The AGI scripts that a dialplan starts: each hands its call to the engine, or runs the flow itself."""
