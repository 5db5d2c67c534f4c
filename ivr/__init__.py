"""What happens on a call: the Numero Unico per il Lavoro as Asterisk's callers meet it."""
