"""ZiCo's two ingredients alone, worked out by hand on gradients given outright."""

import math

import pytest
import torch
from torch import Tensor

from harness.evidence import WeightGradients
from proxies.zico import ZiCo
from proxies.zico_mean import ZiCoMean
from proxies.zico_std import ZiCoStd


def gradients_of(*batches: dict[str, list[float]]) -> WeightGradients:
    evidence = WeightGradients()
    for batch in batches:
        evidence.add({name: Tensor(values) for name, values in batch.items()})
    return evidence


def test_the_mean_alone_sums_absolute_gradients_of_a_layer():
    # first: (1, 3) has mean|g| 2, (2, -2) has 2, (4, 4), which does not vary, counts here as well: 4. log 8.
    # second: (-2, -6): 4. log 4.
    evidence = gradients_of({"first": [1, 2, 4], "second": [-2]}, {"first": [3, -2, 4], "second": [-6]})
    assert ZiCoMean().measure(evidence) == pytest.approx(math.log(8) + math.log(4))


def test_the_deviation_alone_sums_its_inverse_and_drops_what_does_not_vary():
    # first: (1, 3) has std 1, (2, -2) has 2, (4, 4) has 0 and is dropped: 1 + 1/2. log 3/2.
    # second: (-2, -6): std 2. log 1/2. third: nothing left, no term.
    evidence = gradients_of(
        {"first": [1, 2, 4], "second": [-2], "third": [5]}, {"first": [3, -2, 4], "second": [-6], "third": [5]}
    )
    assert ZiCoStd().measure(evidence) == pytest.approx(math.log(3 / 2) + math.log(1 / 2))


def test_of_gradients_that_are_zero_both_are_zero():
    evidence = gradients_of({"layer": [0, 0]}, {"layer": [0, 0]})
    assert ZiCoMean().measure(evidence) == 0
    assert ZiCoStd().measure(evidence) == 0


def test_scaling_the_loss_moves_the_ingredients_apart_and_leaves_zico():
    # Twice the gradients: + log 2 per layer for the mean, - log 2 for the deviation, nothing for their ratio.
    source = torch.Generator().manual_seed(0)
    batches = [{"a": torch.randn(20, generator=source), "b": torch.randn(5, generator=source)} for _ in range(2)]
    once, twice = WeightGradients(), WeightGradients()
    for batch in batches:
        once.add(batch)
        twice.add({name: 2 * gradient for name, gradient in batch.items()})
    n_layers = len(batches[0])
    assert ZiCoMean().measure(twice) - ZiCoMean().measure(once) == pytest.approx(n_layers * math.log(2))
    assert ZiCoStd().measure(twice) - ZiCoStd().measure(once) == pytest.approx(-n_layers * math.log(2))
    assert ZiCo().measure(twice) == pytest.approx(ZiCo().measure(once))
