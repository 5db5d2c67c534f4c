"""People and offices: contacts, numbers, data-subject rights."""
