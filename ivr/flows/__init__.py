"""What happens on a call, as generators of commands."""
