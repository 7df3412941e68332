"""The inequalities of ZiCo's theory on random data, and counter-examples to those that do not hold as printed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.theory.bounds import (
    Descent,
    flip_probability,
    gradient_moments,
    gram_matrix,
    limit_gram_matrix,
    loss_bound,
    loss_bound_as_printed,
    loss_bound_by_variance,
    loss_factor,
    loss_factor_as_printed,
    total_loss,
    updated,
)
from harness.theory.two_layer import Networks

PROPERTY = settings(deadline=None, derandomize=True, database=None, max_examples=60)
SEEDS = st.integers(0, 2**32 - 1)
RATES = st.floats(1e-6, 10)


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows of norm 1; a row near zero becomes the first axis."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    first = np.eye(1, rows.shape[1])
    return np.where(norms > 1e-3, rows / np.maximum(norms, 1e-3), first)


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, labels and two draws of weights of a linear model."""
    n_images, n_features = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    numbers = st.floats(-20, 20)
    images = unit_rows(draw(arrays(np.float64, (n_images, n_features), elements=st.floats(-1, 1))))
    labels = draw(arrays(np.float64, n_images, elements=numbers))
    return images, labels, draw(arrays(np.float64, (2, n_features), elements=numbers))


def random_units(seed: int, n: int, n_features: int) -> np.ndarray:
    return unit_rows(np.random.default_rng(seed).standard_normal((n, n_features)))


# Theorem 3.1.


@PROPERTY
@given(problems())
def test_moments_are_those_of_the_gradients_of_single_images(problem):
    images, labels, weights = problem
    moments = gradient_moments(images, labels, weights)
    for draw, a in enumerate(weights):
        gradients = np.array([(a @ x - y) * x for x, y in zip(images, labels, strict=True)])
        scale = 1e-9 * max(1, float(np.square(gradients).max()))
        assert moments.mean_squares[draw] == pytest.approx(np.square(gradients.mean(axis=0)).sum(), abs=scale)
        assert moments.variances[draw] == pytest.approx(gradients.var(axis=0).sum(), abs=scale)
        assert moments.squares[draw] == pytest.approx(np.square(gradients).sum(), abs=len(images) * scale)
        step = a - 0.3 * gradients.sum(axis=0)
        np.testing.assert_allclose(updated(images, labels, weights, 0.3)[draw], step, rtol=1e-9, atol=1e-9)


@PROPERTY
@given(problems(), RATES)
def test_the_corrected_bound_holds_at_every_rate(problem, rate):
    images, labels, weights = problem
    moments = gradient_moments(images, labels, weights)
    loss = total_loss(images, labels, updated(images, labels, weights, rate))
    scale = (1 + rate * len(images)) ** 2 * moments.squares
    assert (loss <= loss_bound(moments, rate) + 1e-9 * scale).all()


@PROPERTY
@given(problems(), RATES)
def test_the_corrected_bound_is_equation_5_with_m_in_its_factor(problem, rate):
    images, labels, weights = problem
    moments, m = gradient_moments(images, labels, weights), len(images)
    corrected = moments.squares / 2 - rate / 2 * m**2 * (2 - rate * m) * moments.mean_squares
    scale = 1e-9 * float((1 + rate * m) ** 2 * moments.squares.max())
    np.testing.assert_allclose(loss_bound(moments, rate), corrected, rtol=1e-9, atol=scale)


@PROPERTY
@given(problems())
def test_equation_6_follows_at_one_over_m_and_holds(problem):
    images, labels, weights = problem
    moments, rate = gradient_moments(images, labels, weights), 1 / len(images)
    bound = loss_bound_by_variance(moments)
    np.testing.assert_allclose(loss_bound(moments, rate), bound, rtol=1e-9, atol=1e-9)
    loss = total_loss(images, labels, updated(images, labels, weights, rate))
    assert (loss <= bound + 1e-9 * (1 + moments.squares)).all()


@PROPERTY
@given(problems(), RATES)
def test_as_printed_and_corrected_agree_for_one_image_where_both_are_the_loss(problem, rate):
    images, labels, weights = (part[:1] for part in problem)
    moments = gradient_moments(images, labels, weights)
    loss = total_loss(images, labels, updated(images, labels, weights, rate))
    scale = 1e-9 * (1 + rate) ** 2 * (1 + moments.squares)
    assert abs(loss_bound(moments, rate) - loss) < scale
    assert abs(loss_bound_as_printed(moments, rate) - loss) < scale


def test_equation_5_as_printed_is_exceeded_by_two_equal_images():
    # x = 1 twice, y = 0, a = 1: both gradients are 1, so mu = 1, sigma = 0, G = 2; the loss before is 1.
    # eta = 1: a becomes 1 - 2 = -1, the loss stays 1. Printed 2/2 - 1/2 4 (2 - 1) 1 = -1; with 2 - eta M = 0 it is 1.
    # eta = 1/2: a becomes 0, the loss 0. Printed 1 - 1/4 4 (3/2) = -1/2; corrected 1 - 1/4 4 1 = 0, and Eq. 6 gives 0.
    images, labels, weights = np.ones((2, 1)), np.zeros(2), np.ones((1, 1))
    moments = gradient_moments(images, labels, weights)
    for rate, loss, printed, corrected in [(1.0, 1.0, -1.0, 1.0), (0.5, 0.0, -0.5, 0.0)]:
        assert total_loss(images, labels, updated(images, labels, weights, rate)) == pytest.approx(loss)
        assert loss_bound_as_printed(moments, rate) == pytest.approx(printed)
        assert loss_bound(moments, rate) == pytest.approx(corrected)
    assert loss_bound_by_variance(moments) == pytest.approx(0)


def test_equation_5_as_printed_is_exceeded_by_a_thousand_sparse_images():
    # The paper's own sizes, M = 1,000 and d = 784, at both of its learning rates.
    source = np.random.default_rng(0)
    pixels = source.random((1_000, 784)) * (source.random((1_000, 784)) < 0.2)
    images = pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
    labels, weights = source.integers(0, 10, 1_000).astype(float), source.standard_normal((1, 784))
    moments = gradient_moments(images, labels, weights)
    for rate in (1.0, 1e-3):
        loss = total_loss(images, labels, updated(images, labels, weights, rate))
        assert loss_bound_as_printed(moments, rate) < loss <= loss_bound(moments, rate)


# Theorems 3.2, 3.3 and 3.5.


def test_gram_matrices_by_hand():
    # Weights (1, 1) and (1, -1): both let (1, 0) through, the first alone (0, 1).
    images, weights = np.eye(2), np.array([[1.0, 1.0], [1.0, -1.0]])
    np.testing.assert_allclose(gram_matrix(images, weights), [[1, 0], [0, 0.5]])
    # x.x = 1 gives 1 (pi - 0) / 2 pi = 1/2; x.y = 1/2 gives 1/2 (pi - pi/3) / 2 pi = 1/6; x.z = -1 gives 0.
    images = np.array([[1.0, 0.0], [0.5, math.sqrt(0.75)], [-1.0, 0.0]])
    np.testing.assert_allclose(limit_gram_matrix(images)[0], [1 / 2, 1 / 6, 0], atol=1e-12)


def test_the_gram_matrix_tends_to_its_limit():
    images = random_units(0, 6, 4)
    weights = np.random.default_rng(1).standard_normal((100_000, 4))
    np.testing.assert_allclose(gram_matrix(images, weights), limit_gram_matrix(images), atol=0.01)


@PROPERTY
@given(SEEDS, st.floats(1e-3, 3))
def test_a_neuron_that_changes_side_had_a_small_product_with_the_image(seed, distance):
    source = np.random.default_rng(seed)
    images, before = random_units(seed, 20, 3), source.standard_normal((30, 3))
    after = before + distance * random_units(seed + 1, 30, 3)
    flipped = (images @ before.T >= 0) != (images @ after.T >= 0)
    assert (abs(images @ before.T)[flipped] <= distance).all()


def test_equation_30_is_exceeded_by_a_long_neuron_that_changes_side():
    # w = (0.001, 5) moves by (-0.002, 0), and x = (1, 0) changes side, though |w| = 5 is far above C = 0.002.
    image, before, after = np.array([1.0, 0.0]), np.array([0.001, 5.0]), np.array([-0.001, 5.0])
    distance = float(np.linalg.norm(after - before))
    assert image @ before > 0 > image @ after
    assert np.linalg.norm(before) > distance
    assert abs(image @ before) <= distance


@PROPERTY
@given(st.floats(0, 5))
def test_the_flip_probability_is_at_least_that_of_a_small_normal_number(distance):
    assert flip_probability(distance) >= math.erf(distance / math.sqrt(2)) - 1e-12


@PROPERTY
@given(SEEDS, st.floats(1e-3, 2))
def test_the_gram_matrix_and_its_eigenvalues_move_no_further_than_neurons_change_side(seed, distance):
    images, before = random_units(seed, 6, 3), np.random.default_rng(seed).standard_normal((12, 3))
    after = before + distance * random_units(seed + 1, 12, 3)
    first, second = gram_matrix(images, before), gram_matrix(images, after)
    flipped = (images @ before.T >= 0) != (images @ after.T >= 0)
    either = (flipped[:, None, :] | flipped[None, :, :]).mean(axis=2)
    assert (abs(first - second) <= either + 1e-12).all()
    moved = abs(np.linalg.eigvalsh(first) - np.linalg.eigvalsh(second))
    assert (moved <= abs(first - second).sum() + 1e-12).all()


def test_the_expected_change_of_the_gram_matrix_keeps_its_bound():
    # Many neurons stand for the expectation; each moves by C in some direction. Markov's factor 1 / delta is 1 here.
    descent = Descent(n_images=8, n_features=5, learning_rate=0.01, n_steps=3, deviation=1, failure=1)
    images, before = random_units(2, 8, 5), np.random.default_rng(3).standard_normal((50_000, 5))
    after = before + descent.distance * random_units(4, 50_000, 5)
    assert 0 < abs(gram_matrix(images, before) - gram_matrix(images, after)).sum() < descent.gram_change


def test_neurons_beyond_the_distance_are_not_in_the_bound_of_the_gram_matrix():
    # As many as epsilon allows turn round and the others stay: the sum moves, however small C is, by at most 2 eps M^2.
    descent = Descent(n_images=8, n_features=5, learning_rate=1e-9, n_steps=1, deviation=1, failure=1, tail=0.05)
    images, before = random_units(2, 8, 5), np.random.default_rng(3).standard_normal((10_000, 5))
    after = np.where(np.arange(10_000)[:, None] < 0.05 * 10_000, -before, before)
    moved = abs(gram_matrix(images, before) - gram_matrix(images, after)).sum()
    assert descent.gram_change < 1e-5 < moved <= 2 * descent.tail * 8**2


def test_the_distance_covers_normal_steps_and_not_their_mean():
    descent = Descent(n_images=10, n_features=50, learning_rate=0.1, n_steps=4, deviation=0.2, tail=0.05)
    one_way = np.random.default_rng(5).normal(0, 0.2, (20_000, 50))
    moved = np.linalg.norm(0.1 * 4 * one_way, axis=1)
    assert np.mean(moved <= descent.distance) == pytest.approx(0.95, abs=0.01)
    # Independent steps go less far; a mean of two deviations, taken as 0 by the theorem, takes all too far.
    independent = np.random.default_rng(6).normal(0, 0.2, (4, 20_000, 50)).sum(axis=0)
    assert (np.linalg.norm(0.1 * independent, axis=1) <= descent.distance).all()
    assert np.mean(np.linalg.norm(0.1 * 4 * (one_way + 0.4), axis=1) <= descent.distance) == 0


def test_at_the_largest_rate_the_change_is_the_least_eigenvalue():
    slow = Descent(n_images=10, n_features=50, learning_rate=1e-8, n_steps=4, deviation=0.2)
    rate = slow.largest_learning_rate(0.3)
    assert Descent(10, 50, rate, 4, 0.2).gram_change == pytest.approx(0.3)


@PROPERTY
@given(SEEDS, st.floats(0.01, 1))
def test_a_step_without_a_change_of_side_keeps_the_loss_factor(seed, fraction):
    source = np.random.default_rng(seed)
    images, labels = random_units(seed, 5, 4), source.normal(0, 3, 5)
    networks = Networks.drawn(np.array([16]), 4, source)
    gram = gram_matrix(images, networks.weights)
    least, *_, largest = np.linalg.eigvalsh(gram)
    gradients = len(labels) * networks.gradients(images, labels)
    # As far as no neuron changes side: |eta g.x| < |w.x|.
    reach = abs(networks.weights @ images.T) / np.maximum(abs(gradients @ images.T), 1e-12)
    rate = fraction * min(1 / largest, 0.99 * reach.min())
    stepped = Networks(networks.weights - rate * gradients, networks.outputs, networks.widths)
    np.testing.assert_array_equal(gram_matrix(images, stepped.weights), gram)
    before, after = (float(some.losses(images, labels)[0]) for some in (networks, stepped))
    assert after <= loss_factor(rate, max(float(least), 0), float(largest)) * before * (1 + 1e-9)


def test_equation_13_as_printed_is_exceeded_at_a_small_rate():
    # Two orthogonal images and two neurons that let one through each: H is half the identity, lambda_min 1/2. Equation
    # 13 promises a loss below exp(-1/2) of itself after any step; a step at 1e-8 leaves 1 - 1e-8 of it.
    images, labels = np.eye(2), np.array([1.0, 2.0])
    networks = Networks(np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([1.0, 1.0]) / math.sqrt(2), np.array([2]))
    gram = gram_matrix(images, networks.weights)
    np.testing.assert_allclose(gram, np.eye(2) / 2)
    gradients = len(labels) * networks.gradients(images, labels)
    stepped = Networks(networks.weights - 1e-8 * gradients, networks.outputs, networks.widths)
    ratio = float(stepped.losses(images, labels)[0] / networks.losses(images, labels)[0])
    descent = Descent(n_images=2, n_features=2, learning_rate=1e-8, n_steps=1, deviation=float(gradients.std()))
    assert loss_factor_as_printed(descent, 0.5) == pytest.approx(math.exp(-0.5), rel=1e-4)
    assert loss_factor_as_printed(descent, 0.5) < ratio
    assert ratio == pytest.approx(loss_factor(1e-8, 0.5, 0.5), abs=1e-14)
