"""The scenario document: its schema, its checks, its period."""
