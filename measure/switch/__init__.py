"""From the switch's files to the tables of visits."""
