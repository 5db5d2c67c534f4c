"""The base layer: what every package needs and no field of its own owns."""
