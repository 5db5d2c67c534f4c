"""The model itself: two engines, one record."""
