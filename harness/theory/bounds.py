"""The inequalities of ZiCo's theory as functions. Li et al., ICLR 2023, arXiv:2301.11300, Section 3, Appendices A to C.

Where a printed inequality does not hold, the corrected one is given, too; docs/explanation/theory.md derives both.
Throughout, images are rows of norm 1 and losses are half the squared error, dimensionless.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GradientMoments:
    """Moments over M images of the gradients of a linear model's loss, Equation 4; arrays [n_draws].

    `mean_squares` is sum_j mu_j^2 and `variances` sum_j sigma_j^2 (population variance), j over the weights.
    """

    n_images: int
    mean_squares: Array
    variances: Array

    @property
    def squares(self) -> Array:
        """G, the sum of g_j(x_i)^2 over images and weights: M times the sum of both moments; equals twice the loss."""
        return self.n_images * (self.mean_squares + self.variances)


def gradient_moments(images: Array, labels: Array, weights: Array) -> GradientMoments:
    """Moments of g(x_i) = (a.x_i - y_i) x_i over the images, for every draw of the weights a.

    Args:
        images: [n_images, n_features], rows of norm 1.
        labels: [n_images], any numbers.
        weights: [n_draws, n_features].
    """
    residuals = weights @ images.T - labels
    means = residuals @ images / len(images)
    mean_squares = np.square(means).sum(axis=1)
    variances = np.square(residuals).mean(axis=1) - mean_squares  # |x_i| = 1
    return GradientMoments(len(images), mean_squares, variances)


def total_loss(images: Array, labels: Array, weights: Array) -> Array:
    """Equation 2: the sum over images of (a.x_i - y_i)^2 / 2, for every draw; shapes as in `gradient_moments`."""
    return np.asarray(np.square(weights @ images.T - labels).sum(axis=1) / 2)


def updated(images: Array, labels: Array, weights: Array, learning_rate: float) -> Array:
    """Weights [n_draws, n_features] after one step of `learning_rate` along the gradient summed over all images."""
    return np.asarray(weights - learning_rate * ((weights @ images.T - labels) @ images))


def loss_bound_as_printed(moments: GradientMoments, learning_rate: float) -> Array:
    """Equation 5: G/2 - eta/2 M^2 (2 - eta) sum_j mu_j^2, [n_draws]. Does not hold for M > 1: see `loss_bound`."""
    m = moments.n_images
    gain = learning_rate / 2 * m**2 * (2 - learning_rate) * moments.mean_squares
    return np.asarray(moments.squares / 2 - gain)


def loss_bound(moments: GradientMoments, learning_rate: float) -> Array:
    """Bound [n_draws] of the total loss after one step along the summed gradient, for every learning rate.

    G/2 - eta/2 M^2 (2 - eta M) sum_j mu_j^2, which equals M/2 (sum_j sigma_j^2 + (1 - eta M)^2 sum_j mu_j^2). It is
    below the loss before the step for 0 < eta < 2/M.
    """
    m = moments.n_images
    return np.asarray(m / 2 * (moments.variances + (1 - learning_rate * m) ** 2 * moments.mean_squares))


def loss_bound_by_variance(moments: GradientMoments) -> Array:
    """Equation 6, `loss_bound` at eta = 1/M: M/2 sum_j sigma_j^2, [n_draws]."""
    return moments.n_images / 2 * moments.variances


def gram_matrix(images: Array, weights: Array) -> Array:
    """Equation 10: H_ij = x_i.x_j times the fraction of neurons active for both images, [n_images, n_images].

    Args:
        images: [n_images, n_features].
        weights: first layer, [n_neurons, n_features].
    """
    active = (images @ weights.T >= 0).astype(np.float64)
    return np.asarray((images @ images.T) * (active @ active.T) / len(weights))


def limit_gram_matrix(images: Array) -> Array:
    """The expectation of `gram_matrix` over normal weights, [n_images, n_images]; rows of norm 1.

    x_i.x_j (pi - arccos(x_i.x_j)) / (2 pi): Du et al., ICLR 2019, arXiv:1810.02054, Section 3.
    """
    products = np.clip(images @ images.T, -1, 1)
    return np.asarray(products * (np.pi - np.arccos(products)) / (2 * np.pi))


def flip_probability(distance: float) -> float:
    """Bound of the probability that a neuron moved by at most `distance` changes sign for an image: sqrt(2/pi) C.

    Equation 31, for an image of norm 1 and a neuron initialised with N(0, I). Equation 30 claims |w(0)| <= C for a
    neuron that changes sign; the correct condition is |w(0).x| <= C with w(0).x ~ N(0, 1), which gives the same number.
    """
    return min(1.0, float(np.sqrt(2 / np.pi)) * distance)


@dataclass(frozen=True)
class Descent:
    """Gradient descent as modelled in Theorems 3.2, 3.3 and 3.5: every gradient of a weight is N(0, `deviation`^2).

    `failure` is delta, the probability in Markov's inequality; `tail` is epsilon, the chi-squared tail probability.
    """

    n_images: int
    n_features: int
    learning_rate: float
    n_steps: int
    deviation: float
    failure: float = 0.05
    tail: float = 0.05

    @property
    def distance(self) -> float:
        """C = eta t sigma sqrt(Phi(1 - epsilon)), the distance that a neuron exceeds with probability at most epsilon.

        Holds if the steps are equal, or independent with mean zero; a non-zero mean gradient is not covered.
        """
        quantile = float(stats.chi2.ppf(1 - self.tail, self.n_features))
        return self.learning_rate * self.n_steps * self.deviation * float(np.sqrt(quantile))

    @property
    def gram_change(self) -> float:
        """K = 2 sqrt(2) M^2 C / (sqrt(pi) delta), which sum_ij |H_ij(0) - H_ij(t)| exceeds with probability delta.

        Equation 34, if no neuron moves further than C; those that do, with probability `tail` each, would add
        2 epsilon M^2 / delta. By Weyl's inequality, no eigenvalue of H changes by more: Equations 11 and 14.
        """
        return 2 * float(np.sqrt(2 / np.pi)) * self.n_images**2 * self.distance / self.failure

    def largest_learning_rate(self, least_eigenvalue: float) -> float:
        """The learning rate below which Theorems 3.2, 3.3 and 3.5 are stated; there, K is `least_eigenvalue`."""
        return self.learning_rate * least_eigenvalue / self.gram_change


def loss_factor_as_printed(descent: Descent, least_eigenvalue: float) -> float:
    """Equation 13: L(t) / L(t-1) is at most exp(-lambda_min(H(0)) + K). Lacks the learning rate; does not hold."""
    return float(np.exp(-least_eigenvalue + descent.gram_change))


def loss_factor(learning_rate: float, least_eigenvalue: float, largest_eigenvalue: float) -> float:
    """Bound of L(t) / L(t-1) for a step along the summed gradient that changes no activation.

    The residuals are then multiplied by I - eta H, and the loss by at most the larger of (1 - eta lambda)^2 at the two
    ends of the spectrum of H; for eta lambda_max <= 1 this is (1 - eta lambda_min)^2.
    """
    return max((1 - learning_rate * least_eigenvalue) ** 2, (1 - learning_rate * largest_eigenvalue) ** 2)
