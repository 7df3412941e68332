"""What a GPU computes, and how fast: `python -m harness.perf.gpu`, in stages that each keep what they have finished."""
