"""What happened at the queue: Asterisk's queue_log and CDR as visits, and the figures made of them."""
