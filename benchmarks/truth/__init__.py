"""Functions shared by the ground-truth converters of several benchmarks."""
