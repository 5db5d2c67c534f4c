"""What callers hear: texts, voices, sound files."""
