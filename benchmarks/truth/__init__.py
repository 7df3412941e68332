"""Pieces that the truth converters of several benchmarks share."""
