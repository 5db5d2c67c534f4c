"""What several commands of `registry` share."""
