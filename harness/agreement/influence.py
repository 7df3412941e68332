"""Standard errors of tau-b and rho without resampling: the infinitesimal jackknife (Jaeckel, 1972; Efron, 1982, ch. 6).

The influence of a row is the derivative of the correlation by the row's weight, all weights being 1. To first order it
is what the bootstrap's replicates vary by, so the sum of its squares is the variance that they would settle on. Rows of
a cluster are drawn together: their influences are added before squaring.

A variance that a few clusters carry is itself uncertain. Their effective number is (sum v)^2 / sum v^2, v being the
squared sums; t with Satterthwaite's degrees of freedom (Bell & McCaffrey, Survey Methodology 28, 2002; Imbens &
Kolesar, Review of Economics and Statistics 98, 2016) takes that number, less the share that the mean costs.

Both correlations are A / sqrt(B C) with A, B, C sums over tuples of rows (V-statistics: von Mises, Annals of
Mathematical Statistics 18, 1947), so a row's derivative is its share of each sum: the Hajek projection of Hoeffding
(Annals of Mathematical Statistics 19, 1948), and of Daniels & Kendall (Biometrika 34, 1947) and Samara & Randles
(Communications in Statistics 17, 1988) for tau. Ties vary B and C, which the derivative of the ratio takes in.
Clusters, and the Fisher-z scale on which the interval is made: Newson, Stata Journal 6, 2006.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.agreement.correlation import Pairs, centred_mid_ranks, untied


class Influences(NamedTuple):
    """Derivatives of tau-b and of rho by the weight of each row, each (n,), in the order of `Pairs.rows`; sum 0."""

    tau: NDArray[np.float64]
    rho: NDArray[np.float64]


class Clustered(NamedTuple):
    """What drawing clusters anew does to a value.

    Attributes:
        error: standard error.
        n_effective: (sum v)^2 / sum v^2 of the squared sums v of the clusters; NaN where nothing varies.
        df: Satterthwaite's degrees of freedom.
    """

    error: float
    n_effective: float
    df: float


def influences(pairs: Pairs) -> Influences:
    """Influence of each row on tau-b and rho, in O(n log n). Neither column may be constant."""
    return Influences(influence_on_tau(pairs), influence_on_rho(pairs))


def clustered(influence: NDArray[np.float64], cluster: NDArray[np.intp]) -> Clustered:
    """Standard error of a value if clusters of rows had been drawn anew, and how many clusters carry it.

    Args:
        influence: (n,) of each row.
        cluster: (n,) cluster of each row, non-negative, two clusters at least.
    """
    n_clusters = n_distinct(cluster)
    # Summed influences have mean 0; n / (n - 1) is that of any variance about a mean that was estimated.
    squares = np.bincount(cluster, weights=influence) ** 2
    total = float(squares.sum())
    if total < 1e-24:  # sums of influences that are 0 but for rounding
        return Clustered(0.0, float("nan"), float("nan"))
    n_effective = float(total**2 / (squares**2).sum())
    error = float(np.sqrt(n_clusters / (n_clusters - 1) * total))
    return Clustered(error, n_effective, n_effective * (n_clusters - 1) / n_clusters)


def standard_error(influence: NDArray[np.float64], cluster: NDArray[np.intp]) -> float:
    """Standard error alone, of `clustered`."""
    return clustered(influence, cluster).error


def n_distinct(labels: NDArray[np.intp]) -> int:
    """How many of the labels 0, 1, ... there are."""
    return int(np.count_nonzero(np.bincount(labels)))


def influence_on_tau(pairs: Pairs) -> NDArray[np.float64]:
    """(n,) A: concordant less discordant pairs. B, C: pairs not tied in the scores, in the truth."""
    weights = np.ones(pairs.rows.size) if pairs.weights is None else pairs.weights
    return _of_ratio(
        weights * pairs.concordance,
        weights * untied(pairs.scores, weights),
        weights * untied(pairs.truth, weights),
        degree=2,
    )


def influence_on_rho(pairs: Pairs) -> NDArray[np.float64]:
    """(n,) A: sum of products of centred mid-ranks x and y. B, C: sums of their squares.

    A mid-rank is itself a sum over rows, x_i = sum_j w_j sign_ij / 2. One more row i adds w_i x_i y_i to A and moves
    the x_j of the others by w_i sign_ji / 2, which sum_j w_j y_j sign_ji / 2 = -(centred mid-ranks with weights w y)_i
    puts together.
    """
    scores, truth = pairs.scores, pairs.truth
    weights = np.ones(scores.size) if pairs.weights is None else pairs.weights
    x, y = centred_mid_ranks(scores, weights), centred_mid_ranks(truth, weights)
    return _of_ratio(
        weights * (x * y - centred_mid_ranks(scores, weights * y) - centred_mid_ranks(truth, weights * x)),
        weights * (x * x - 2 * centred_mid_ranks(scores, weights * x)),
        weights * (y * y - 2 * centred_mid_ranks(truth, weights * y)),
        degree=3,
    )


def _of_ratio(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], *, degree: int
) -> NDArray[np.float64]:
    """(n,) derivatives of A / sqrt(B C) from those of A, B and C, each (n,) and up to one common factor.

    A, B and C are homogeneous in the weights, so by Euler each is the sum of its derivatives over its degree, and the
    correlation, of degree 0, has derivatives of sum 0.
    """
    spread = np.sqrt(b.sum() * c.sum())
    return np.asarray(degree * (a / spread - a.sum() / spread * (b / b.sum() + c / c.sum()) / 2))
