"""Shares of paths that hold the optimum on NAS-Bench-101, where dead edges stay until they are drawn and removed.

`search=edge_shrinking` prunes as the benchmark does: with an edge go those that are on no path any more. Here a removal
takes one edge alone, so that a path is longer and draws among dead edges too. Starts, optimum and objectives are those
of `python -m harness.theory experiment=shrinking shrinking.bench=nasbench101 shrinking.n_starts=N`.

    python results/shrinking/unpruned.py 400
"""

import sys
from collections.abc import Callable
from random import Random

import numpy as np
from scipy import stats

from benchmarks.nasbench101.cell import Cell, pruned
from harness.inputs import DATA_SETS
from harness.space import BENCHMARKS, Architecture
from harness.theory.shrinking import Subsets, Values, starts_of
from harness.truth import Truth

WEIGHT, SEED = 0.1, 0
Value = Callable[[Architecture], float]


def path(start: Cell, value: Value, drawing: tuple[int, bool], rng: Random) -> tuple[float, int]:
    """The best value on the path of one start, and how many cells were scored.

    `drawing` says how many edges are tried per step, and whether those without which no path is left are drawn in vain.
    """
    k, in_vain = drawing
    edges, best, n_scored = list(start.edges), value(Architecture(start.name)), 1
    while edges:
        left = {edge: pruned([one for one in edges if one != edge], start.operations) for edge in edges}
        drawn = [edge for edge in edges if in_vain or left[edge] is not None]
        rng.shuffle(drawn)
        values = {edge: value(Architecture(cell.name)) for edge in drawn[:k] if (cell := left[edge]) is not None}
        if not values:
            break
        n_scored += len(values)
        taken = max(values, key=values.__getitem__)
        edges.remove(taken)
        best = max(best, values[taken])
    return best, n_scored


def main(n_starts: int) -> None:
    """Print one row per objective and k."""
    space, data_set = BENCHMARKS.get("nasbench101"), DATA_SETS.get("cifar10")
    truth = Truth.open(space.name).values(space.architectures, data_set.name, "test108") / 100
    accuracies = dict(zip(space.architectures, truth.tolist(), strict=True))
    subsets, starts = Subsets(space), starts_of(space, n_starts, SEED)
    for weight in (0.0, WEIGHT):
        values = Values(space, data_set, accuracies, weight)
        known: dict[Architecture, float] = {}

        def value(arch: Architecture, values: Values = values, known: dict[Architecture, float] = known) -> float:
            if arch not in known:
                known[arch] = values.of(arch)
            return known[arch]

        optima = {start: max(map(value, subsets.of(start))) for start in starts}
        for drawing in ((10, False), (3, False), (3, True)):
            found = [path(space.cell(start), value, drawing, Random(f"{SEED}-{start}")) for start in starts]  # type: ignore[attr-defined]
            held = sum(best >= optima[start] for start, (best, _) in zip(starts, found, strict=True))
            low, high = stats.binomtest(held, n_starts).proportion_ci(0.95)
            words = f"{values.name}, k = {drawing[0]}{', some drawn in vain' if drawing[1] else ''}"
            n_scored = np.mean([n for _, n in found])
            print(f"{words}: {held / n_starts:.3f} [{low:.3f}, {high:.3f}], {n_scored:.1f} evaluations")


if __name__ == "__main__":
    main(int(sys.argv[1]))
