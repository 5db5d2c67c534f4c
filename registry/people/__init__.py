"""People and job centres: contacts, telephone numbers, personal data and its erasure."""
