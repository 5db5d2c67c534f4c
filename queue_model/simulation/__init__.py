"""The simulated service: two engines that give the same record."""
