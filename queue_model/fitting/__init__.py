"""From logs to parameters and forecasts."""
