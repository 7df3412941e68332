"""Performance: the cost of scoring on this machine, as ratios measured in one run. `python -m harness.perf`."""
