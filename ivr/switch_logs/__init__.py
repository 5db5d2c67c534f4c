"""What Asterisk writes about the queue: queue_log lines and the visits that they tell of."""
