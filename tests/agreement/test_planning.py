"""The planner: components by hand, and widths that it foretells against samples that are really drawn."""

import numpy as np
import pytest

from harness.agreement import Components, Pairs, Variations
from harness.agreement.influence import standard_error


def test_components_by_hand() -> None:
    # Influences 1, -1, 2, -2 over four rows: psi = 4, -4, 8, -8, V = (16 + 16 + 64 + 64) / 4 = 40. The first and third
    # are one class: sums 12, -4, -8, squares 224 less 160 leave 64 over 4 * 3 ordered pairs: K = 16 / 3.
    found = Components.of(np.array([1.0, -1, 2, -2]), np.array([0, 1, 0, 2]), n_population=100)
    assert (found.of_rows, found.within_classes) == pytest.approx((40, 16 / 3))
    assert found.generalisation(10) == pytest.approx(2 * 1.959964 * np.sqrt(4 + 16 / 3 * 0.9))
    assert found.sampling(50) == pytest.approx(2 * 1.959964 * np.sqrt(40 / 50 / 2))
    assert found.sampling(100) == 0
    # V / m (1 - m / 100) is at most (10 / 3.919928)**2 = 6.508 from m = 40 / (6.508 + .4) = 5.79 on.
    assert found.n_for_sampling(10) == 6
    # K alone is wider than 9.05 = 3.919928 sqrt(5.333): no number of architectures goes below.
    assert found.n_for_generalisation(9.05) is None


def population(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, truth and classes of 6,000 architectures of 1,000 classes of one to eleven members."""
    classes = np.repeat(np.arange(1000), np.arange(1000) % 11 + 1)
    shared, own = random.normal(size=(2, 1000)), random.normal(size=(2, classes.size))
    truth = shared[0][classes] + 0.3 * own[0]
    return truth + 0.8 * shared[1][classes] + 0.3 * own[1], truth, classes


def test_widths_foretold_from_a_pilot_are_those_of_samples_that_are_drawn() -> None:
    random = np.random.default_rng(0)
    scores, truth, classes = population(random)
    n_population = classes.size
    rows = random.permutation(n_population)[:1500]
    pairs = Pairs.of(scores[rows], truth[rows])
    plan = Variations(np.unique(classes[rows], return_inverse=True)[1], None, None)
    pilot = Components.of(plan.influences(pairs).tau, plan.classes[pairs.rows], n_population)
    for n in (300, 3000):
        errors = []
        for _ in range(12):
            drawn = random.permutation(n_population)[:n]
            sample = Pairs.of(scores[drawn], truth[drawn])
            own = Variations(np.unique(classes[drawn], return_inverse=True)[1], None, None)
            errors.append(standard_error(own.influences(sample).tau, own.classes[sample.rows]))
        # The pilot's own spread of variances is some 10 %.
        assert pilot.generalisation(n) == pytest.approx(2 * 1.959964 * np.mean(errors), rel=0.15)
    whole = Pairs.of(scores, truth).correlations().tau
    taus = [
        Pairs.of(scores[drawn], truth[drawn]).correlations().tau
        for drawn in (random.permutation(n_population)[:600] for _ in range(300))
    ]
    spread = np.sqrt(np.mean((np.array(taus) - whole) ** 2))
    assert pilot.sampling(600) == pytest.approx(2 * 1.959964 * spread, rel=0.15)
