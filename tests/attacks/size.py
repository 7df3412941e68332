"""How many attacks a test makes: few by default, ten times as many under `make attack`."""

import os

VARIABLE = "HARNESS_ATTACKS"


def n_attacks(n: int) -> int:
    """`n` times the number in `HARNESS_ATTACKS`, by default 1."""
    return n * int(os.environ.get(VARIABLE, "1"))
