"""How a flow meets a call: FastAGI, a process script, a rehearsal."""
