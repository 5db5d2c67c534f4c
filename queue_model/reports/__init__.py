"""Results as pages and terminal tables."""
