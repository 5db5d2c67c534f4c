"""One module for each command of `lab`."""
