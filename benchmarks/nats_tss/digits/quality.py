"""Quality of the embedded ground truth: `python -m benchmarks.nats_tss.digits.quality`.

Prints Kendall's tau between the seeds, and tau and rho of their mean with the accuracies of the image data sets, whose
truth must have been fetched.
"""

import sys
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr

from benchmarks.inputs.digits import DIGITS
from benchmarks.nats_tss.digits.fit import SPACE
from benchmarks.nats_tss.digits.recipe import Recipe
from harness.errors import HarnessError
from harness.truth import Truth

OTHERS = ("cifar10", "cifar100", "ImageNet16-120")


def main() -> int:
    """Print one line for all cells, for one cell per network, and for the better half of the cells."""
    archs = SPACE.architectures
    try:
        truth = Truth.open(SPACE.name)
        mean = truth.values(archs, DIGITS.name, "test")
        seeds = [truth.values(archs, DIGITS.name, f"test_seed{seed}") for seed in Recipe().seeds]
        others = {name: truth.values(archs, name, "test200") for name in OTHERS}
    except HarnessError as error:
        print(error, file=sys.stderr)
        return 2
    first = np.array([SPACE.canonical(arch) == arch for arch in archs])
    groups: dict[str, NDArray[np.bool_]] = {
        "all cells": np.ones(len(archs), dtype=bool),
        "one cell per network": first,
        "better half of the cells": mean >= np.median(mean),
    }
    for name, rows in groups.items():
        between = np.mean([kendalltau(one[rows], other[rows]).statistic for one, other in combinations(seeds, 2)])
        with_others = ", ".join(
            f"{data_set} {kendalltau(mean[rows], values[rows]).statistic:.3f}"
            f" / {spearmanr(mean[rows], values[rows]).statistic:.3f}"
            for data_set, values in others.items()
        )
        print(f"{name} ({rows.sum():,}): tau between seeds {between:.3f}; tau / rho of the mean with {with_others}")
    levels = ", ".join(f"{level:.1f}" for level in np.percentile(mean, [0, 5, 25, 50, 75, 95, 100]))
    print(f"accuracies, percentiles 0, 5, 25, 50, 75, 95, 100: {levels} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
