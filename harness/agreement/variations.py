"""How the correlations of a sample's columns vary, each found once: columns are compared on the same resamples."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from harness.agreement.correlation import Ordered, Pairs
from harness.agreement.influence import Influences, influence_on_rho, influence_on_tau, n_distinct
from harness.agreement.resampling import Resampling, default_replicates, replicates
from harness.agreement.truth_noise import TruthNoise
from harness.errors import OptionError

# Of 423,624 rows influences are 3 MB and pairs 12 MB; a proxy is compared with a few baselines at a time.
REMEMBERED = 40


@dataclass(frozen=True, eq=False)
class Variations:
    """One plan of resamples, or none, for all columns of scores on the same rows.

    Attributes:
        classes: (n_rows,) canonical class of each row, 0, 1, ...
        by_class: resamples of classes; None where intervals come from influences.
        by_row: resamples of rows; None likewise.
    """

    classes: NDArray[np.intp]
    by_class: Resampling | None
    by_row: Resampling | None
    _taus: dict[bytes, float] = field(default_factory=dict, repr=False)
    _replicates: dict[bytes, NDArray[np.float64]] = field(default_factory=dict, repr=False)
    _shifts: dict[bytes, NDArray[np.float64]] = field(default_factory=dict, repr=False)
    _influences: OrderedDict[bytes, NDArray[np.float64]] = field(default_factory=OrderedDict, repr=False)
    _ordered: OrderedDict[bytes, Ordered] = field(default_factory=OrderedDict, repr=False)
    _pairs: OrderedDict[bytes, Pairs] = field(default_factory=OrderedDict, repr=False)
    _between: OrderedDict[bytes, Pairs] = field(default_factory=OrderedDict, repr=False)

    @classmethod
    def of(cls, classes: ArrayLike, *, n_replicates: int | None = None, seed: int = 0) -> Self:
        """The plan for rows of these canonical classes (n_rows,), any labels.

        Args:
            classes: canonical class of each row.
            n_replicates: bootstrap replicates; None: `default_replicates`, none above 4,000 rows.
            seed: seed of the resamples.

        Raises:
            OptionError: no replicates are asked for.
        """
        if n_replicates is not None and n_replicates < 1:
            raise OptionError(f"n_replicates is {n_replicates}: an interval needs at least 1, and 1,000 to be smooth.")
        labels = pd.factorize(np.asarray(classes), use_na_sentinel=False)[0].astype(np.intp)
        wanted = default_replicates(labels.size) if n_replicates is None else n_replicates
        if not wanted:
            return cls(labels, None, None)
        by_class = Resampling(labels, wanted, seed)
        # One class per row draws the same resamples twice: the plan is shared, and so are its replicates.
        by_row = by_class if by_class.n_clusters == labels.size else Resampling(np.arange(labels.size), wanted, seed)
        return cls(labels, by_class, by_row)

    def n_classes(self, pairs: Pairs) -> int:
        """Canonical classes among the rows of the pairs."""
        return n_distinct(self.classes[pairs.rows])

    def pairs(
        self, scores: NDArray[np.float64], truth: NDArray[np.float64], votes: NDArray[np.float64] | None
    ) -> Pairs:
        """Pairs of two columns (n_rows,) with what was found of them before; `votes` (n_rows,) weigh their networks."""
        seen = np.where(np.isnan(scores), np.nan, truth)
        rows = _digest(seen)
        ordered = _remembered(self._ordered, rows, lambda: Ordered.of(seen))
        key = rows + _digest(scores) + (b"" if votes is None else _digest(votes))
        return _remembered(self._pairs, key, lambda: Pairs.along(scores, ordered, votes))

    def between(self, pairs: Pairs, other: Pairs) -> Pairs:
        """As `pairs.beside(other)`, of two columns over the same rows; over cells and networks found together."""
        if pairs.cells is not None and other.cells is not None:
            return self.between(pairs.cells, other.cells).networks
        return _remembered(self._between, pairs.digest + other.digest, lambda: pairs.beside(other), at_most=8)

    def tau(self, pairs: Pairs) -> float:
        """Tau-b of the pairs."""
        key = pairs.digest
        if key not in self._taus:
            self._taus[key] = pairs.tau()
        return self._taus[key]

    def shifts(self, pairs: Pairs, noise: TruthNoise, truth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Changes of tau when single architectures are trained again, as `TruthNoise.shifts`."""
        key = pairs.digest
        if key not in self._shifts:
            self._shifts[key] = noise.shifts(pairs, truth)
        return self._shifts[key]

    def replicates(self, pairs: Pairs, plan: Resampling) -> NDArray[np.float64]:
        """(n_replicates, 2) tau-b and rho of each resample of a plan of this object."""
        key = pairs.digest + (b"rows" if plan is self.by_row else b"classes")
        if key not in self._replicates:
            self._replicates[key] = replicates(pairs, plan)
        return self._replicates[key]

    def on_tau(self, pairs: Pairs) -> NDArray[np.float64]:
        """Influence of each of the pairs' rows on tau-b, in the order of `Pairs.rows`."""
        return _remembered(self._influences, pairs.digest, lambda: influence_on_tau(pairs))

    def influences(self, pairs: Pairs) -> Influences:
        """Influence of each of the pairs' rows on tau-b and rho, in the order of `Pairs.rows`."""
        return Influences(self.on_tau(pairs), influence_on_rho(pairs))


def _digest(column: NDArray[np.float64]) -> bytes:
    return hashlib.sha256(column.tobytes()).digest()


_Kept = TypeVar("_Kept")


def _remembered(
    kept: OrderedDict[bytes, _Kept], key: bytes, make: Callable[[], _Kept], *, at_most: int = REMEMBERED
) -> _Kept:
    """The entry of a key, made if there is none; the one that was not asked for longest is dropped for it."""
    if key not in kept:
        kept[key] = make()
        if len(kept) > at_most:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]
