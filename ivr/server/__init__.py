"""The FastAGI engine as a service."""
