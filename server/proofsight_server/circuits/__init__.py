"""Circuits: the kernels of a network that a target needs, scored, masked, tested and cut out."""
