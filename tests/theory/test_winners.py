"""Who is chosen by m validation images, against closed forms, summation by hand and simulation."""

import math

import numpy as np
import pytest
from scipy.stats import binom, norm

from harness.theory.winners import Candidates, Winner, chosen, chosen_by_draws, hoeffding, right_by_level


def _two(first: float, second: float, m: int) -> float:
    """P(the better of two is chosen): P(X1 > X2) + P(X1 = X2) / 2."""
    x = np.arange(m + 1)
    better, worse = binom.pmf(x, m, second), binom.pmf(x, m, first)
    return float(better @ (np.cumsum(worse) - worse / 2))


@pytest.mark.parametrize(("first", "second", "m"), [(0.5, 0.6, 10), (0.93, 0.94, 1_000), (0.1, 0.9, 1), (0.0, 1.0, 3)])
def test_of_two_networks_the_better_one_is_chosen_as_the_closed_form_says(first, second, m):
    found = chosen(Candidates.of(np.array([first, second])), m)
    assert found.probabilities[1] == pytest.approx(_two(first, second, m), abs=1e-10)
    assert found.probabilities.sum() == pytest.approx(1, abs=1e-9)
    assert found.regret(second) == pytest.approx((second - first) * (1 - _two(first, second, m)), abs=1e-10)


def test_three_networks_and_one_image_by_hand():
    """With one image those that have it right tie, and all do if none has.

    The network of .9 wins alone with .9 * .5 * .8 = .36, half with one other, (.9 * .5 * .8 + .9 * .5 * .2) / 2 = .225,
    and takes a third where all are right, .9 * .5 * .2 = .09, or all are wrong, .1 * .5 * .8 = .04.
    """
    found = chosen(Candidates.of(np.array([0.2, 0.5, 0.9])), 1)
    assert found.probabilities[2] == pytest.approx(0.36 + 0.225 + 0.09 / 3 + 0.04 / 3, abs=1e-12)
    # The winner has 1 of 1 right unless all are wrong (.04): 0 there.
    shown = 1 - 0.04
    assert found.gap == pytest.approx(shown - found.probabilities @ found.accuracies, abs=1e-12)


def test_equal_networks_cost_nothing_and_many_images_find_the_best():
    equal = chosen(Candidates.of(np.full(500, 0.9)), 50)
    assert equal.regret(0.9) == pytest.approx(0, abs=1e-12)
    assert equal.finds(0.9) == pytest.approx(1, abs=1e-9)
    # The largest of 500 counts flatters its network although all are equal.
    assert equal.gap > 2 * math.sqrt(0.9 * 0.1 / 50)
    accuracies = np.linspace(0.5, 0.9, 200)
    regrets = [chosen(Candidates.of(accuracies), m).regret(0.9) for m in (10, 100, 1_000, 10_000, 1_000_000)]
    assert regrets == sorted(regrets, reverse=True)
    assert regrets[-1] < 1e-4
    assert chosen(Candidates.of(accuracies), 10_000_000).regret(0.9) < 1e-9


def test_thousands_of_ties_are_shared_equally():
    """All 3,000 networks and 3 images: which of them is chosen must not depend on how many tie for three of three."""
    accuracies = np.repeat([0.6, 0.8], 1_500)
    found = chosen(Candidates.of(accuracies), 3)
    right = np.array([0.6, 0.8]) ** 3  # someone surely has three of three
    assert found.probabilities == pytest.approx(right / right.sum(), abs=1e-3)
    assert found.probabilities.sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("m", [20, 400])
def test_the_sums_agree_with_simulated_choices(m):
    random = np.random.default_rng(0)
    accuracies = np.sort(np.concatenate([np.minimum(random.beta(30, 4, 300), 0.96), [0.97, 0.97]]))
    found = chosen(Candidates.of(accuracies), m)
    n_draws = 4_000
    counts = random.binomial(m, accuracies, (n_draws, accuracies.size))
    tied = counts == counts.max(axis=1, keepdims=True)
    shares = tied / tied.sum(axis=1, keepdims=True)
    regrets = shares @ (0.97 - accuracies)
    margin = 4 * regrets.std() / math.sqrt(n_draws)
    assert found.regret(0.97) == pytest.approx(regrets.mean(), abs=margin)
    best = shares[:, accuracies == 0.97].sum(axis=1)
    assert found.finds(0.97) == pytest.approx(best.mean(), abs=4 * best.std() / math.sqrt(n_draws))
    gaps = (shares * (counts / m - accuracies)).sum(axis=1)
    assert found.gap == pytest.approx(gaps.mean(), abs=4 * gaps.std() / math.sqrt(n_draws))
    # A tenth of the choices costs more than the .9 quantile, up to the step of the distribution.
    beyond = (shares * (0.97 - accuracies > found.quantile(0.9, 0.97) + 1e-12)).sum(axis=1).mean()
    assert beyond <= 0.1 + 4 * math.sqrt(0.09 / n_draws)


def test_draws_without_correlation_are_the_sums_and_correlated_images_cost_less():
    accuracies = np.linspace(0.85, 0.94, 300)
    candidates = Candidates.of(accuracies)
    exact = chosen(candidates, 500)
    random = np.random.default_rng(1)
    drawn = chosen_by_draws(candidates, 500, correlation=0.0, n_draws=800, random=random)
    assert drawn.regret(0.94) == pytest.approx(exact.regret(0.94), abs=4 * drawn.error)
    assert drawn.gap_sd == pytest.approx(exact.gap_sd, rel=0.15)
    alike = chosen_by_draws(candidates, 500, correlation=0.8, n_draws=800, random=random)
    assert alike.regret(0.94) < exact.regret(0.94) - 4 * alike.error


def test_every_difficulty_together_gives_a_network_its_accuracy():
    accuracies = np.array([0.0, 0.1, 0.5, 0.9437, 1.0])
    for correlation in (0.0, 0.3, 0.95):
        right = right_by_level(accuracies, correlation)
        assert right.mean(axis=1) == pytest.approx(accuracies, abs=1e-9)
    # Without correlation no image is harder than another; with it, the middle one of accuracy .5 is a coin.
    assert np.ptp(right_by_level(accuracies, 0.0), axis=1) == pytest.approx(0, abs=1e-9)
    assert right_by_level(np.array([0.5]), 0.5)[0, :2] == pytest.approx(norm.cdf(-norm.ppf([1 / 64, 3 / 64])), abs=1e-9)


def test_the_bound_is_hoeffdings_with_a_union():
    """2 sqrt(log(2 * 15,625 / .05) / (2 * 100)): the 51.7 points of 100 images on NATS-TSS."""
    assert 100 * hoeffding(15_625, 100) == pytest.approx(51.66, abs=0.01)
    accuracies = np.linspace(0.3, 0.9, 50)
    for m in (5, 50, 500):
        assert chosen(Candidates.of(accuracies), m).quantile(0.95, 0.9) <= hoeffding(50, m)


def test_a_mixture_of_shortlists_is_the_mean_of_their_choices():
    first, second = (chosen(Candidates.of(np.array(pair)), 10) for pair in ([0.5, 0.7], [0.6, 0.7]))
    mixed = Winner.mean([first, second], np.array([0.5, 0.6, 0.7]))
    assert mixed.regret(0.7) == pytest.approx((first.regret(0.7) + second.regret(0.7)) / 2)
    assert mixed.finds(0.7) == pytest.approx((first.finds(0.7) + second.finds(0.7)) / 2)
    assert mixed.gap == pytest.approx((first.gap + second.gap) / 2)
    assert mixed.error == pytest.approx(abs(first.regret(0.7) - second.regret(0.7)) / 2)
