"""Perf: what scoring costs on this machine, as ratios measured in one run. `python -m harness.perf`."""
