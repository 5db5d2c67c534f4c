"""The base layer: what every package needs and none of them owns."""
