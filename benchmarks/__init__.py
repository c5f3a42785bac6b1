"""Benchmarks: every figure that the project claims, measured and printed with its machine."""
