"""From the switch's files to the table of visits."""
