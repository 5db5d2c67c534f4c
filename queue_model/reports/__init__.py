"""Results as HTML pages and as text for a terminal."""
