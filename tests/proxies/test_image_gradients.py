"""Proxies of the gradients of single images, worked out by hand."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from toy_networks import THREE, Logits, ToySpace, pairs, pixels, scored_alone, value_of

from harness.evidence import Layers, PerImageGradients, per_image
from harness.evidence.per_image import GradientSums, layer_calls, weight_gradients
from harness.inputs import Batch, DataSet
from harness.space import Architecture, Layer
from harness.store import UNDEFINED
from proxies.gradsign import GradSign
from proxies.gradsign_mean import GradSignMean
from proxies.knas import Knas
from proxies.knas_sampled import KnasSampled
from proxies.ntk_cond import NtkCondition
from proxies.te_nas import TeNas


class TwoWeights(ToySpace):
    """Networks of one layer of two weights."""

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        return (Layer(n_weights=2, n_params=2, flops=0, live=True),)


# Gradients, image by image. With v = 0 both classes have probability 1/2. An image x of class 0 gives the gradients
# (-1/2 x, 1/2 x) of the two weights, one of class 1 gives (1/2 x, -1/2 x).


def test_gradsign_counts_the_majority_of_signs() -> None:
    # First weight: -1/2, 1, 3/2: signs -, +, +: |1|. Second weight: turned, |-1|.
    assert value_of(GradSign(), lambda: Logits(0), THREE) == 2
    mean = GradSignMean()
    found = scored_alone(mean, lambda: Logits(0), THREE, space=TwoWeights(lambda: Logits(0)))
    assert mean.combine(pd.DataFrame([found.components])).tolist() == [1]


def test_gradsign_by_mean_divides_by_dead_weights_too() -> None:
    gradients = PerImageGradients()
    gradients.layers = {"live": GradientSums(torch.zeros(2), torch.tensor([3.0, -2.0]))}
    live, dead = Layer(2, 4, 0, live=True), Layer(4, 9, 0, live=False, repeats=2)
    components = GradSignMean().measure(gradients, Layers.of([live, dead]))
    assert components == {"gradsign": 5, "n_weights": 10}
    assert GradSignMean().combine(pd.DataFrame([components])).tolist() == [0.5]


def test_knas_is_the_squared_norm_of_the_mean_gradient() -> None:
    # Means (-1/2 + 1 + 3/2) / 3 = 2/3 and -2/3: 8/9; one layer.
    assert value_of(Knas(), lambda: Logits(0), THREE) == pytest.approx(8 / 9)


def test_knas_is_the_mean_over_layers() -> None:
    gradients = PerImageGradients()
    gradients.n_images = 2
    gradients.layers = {
        "one": GradientSums(torch.tensor([2.0, 4.0]), torch.zeros(2)),  # mean (1, 2): 5
        "other": GradientSums(torch.tensor([6.0]), torch.zeros(1)),  # mean 3: 9
    }
    assert Knas().measure(gradients) == 7
    gradients.layers = {}
    assert Knas().measure(gradients) == 0


@pytest.mark.parametrize("most_entries", [2**24, 40, 1])  # all outputs at once, some, one group at a time
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_gradients_of_grouped_convolutions_are_those_of_each_image(groups: int, most_entries: int, monkeypatch) -> None:
    monkeypatch.setattr(per_image, "_MOST_ENTRIES", most_entries)
    convolution = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=groups, bias=False)
    network = nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)).double()
    images = torch.randn(5, 4, 6, 6, dtype=torch.float64)
    calls = layer_calls(network, {"convolution": convolution}, images, lambda outputs: outputs.sin().sum())
    found = torch.cat(list(weight_gradients(convolution, calls["convolution"])), dim=1)
    for image, gradient in zip(images, found, strict=True):
        (expected,) = torch.autograd.grad(network(image[None]).sin().sum(), convolution.weight)
        assert torch.allclose(gradient, expected.flatten(), rtol=1e-12)


class Wide(nn.Module):
    """logits = (0, sum of 50 weights, all 0, times the pixel)."""

    def __init__(self) -> None:
        super().__init__()
        self.few = nn.Parameter(torch.zeros(2))
        self.weights = nn.Parameter(torch.zeros(50))

    def forward(self, images: Tensor) -> Tensor:
        reading = images.flatten(1) * self.weights.sum() + self.few.sum()
        return torch.cat([torch.zeros_like(reading), reading], dim=1)


def test_knas_sampled_is_the_covariance_of_the_first_gradients_with_the_last() -> None:
    # Class 0: each of the 50 gradients is x / 2. In four mini-batches of one image x = 0, 2, 4, 8: gradients 0, 1 and
    # 2, 4; centred -1/2, 1/2 and -1, 1; product 1. Fifty weights, over 2,500. The parameter of two entries is left out.
    images = Batch(pixels(0, 2, 4, 8), torch.zeros(4, dtype=torch.int64))
    assert value_of(KnasSampled(n_batches=4), Wide, images) == pytest.approx(50 / 2500)
    found = scored_alone(KnasSampled(), Wide, images)
    assert (found.status, found.reason) == (UNDEFINED, "50 batches need as many images; the protocol has 4")


class TwoFeatures(nn.Module):
    """output = (w . x, w . x) for images of two pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, (1, 2), bias=False)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.conv(images).flatten(1)
        return output


def test_ntk_condition_of_two_images() -> None:
    # The summed outputs have the gradients (x, x), so the kernel is 2 X X^T. For (1, 0) and (1, 1): [[2, 2], [2, 4]],
    # eigenvalues 3 +- sqrt 5.
    batch = Batch(pairs((1, 0), (1, 1)), torch.tensor([0, 1]))
    expected = -(3 + math.sqrt(5)) / (3 - math.sqrt(5))
    assert value_of(NtkCondition(n_images=2), TwoFeatures, batch) == pytest.approx(expected)
    assert value_of(NtkCondition(n_images=2, train_mode=True), TwoFeatures, batch) == pytest.approx(expected)


def test_ntk_condition_takes_no_more_images_than_asked_for() -> None:
    batch = Batch(pairs((1, 0), (0, 2), (1, 1)), torch.tensor([0, 1, 0]))
    assert value_of(NtkCondition(n_images=2), TwoFeatures, batch) == pytest.approx(-4)  # [[2, 0], [0, 8]]


def test_ntk_condition_of_a_singular_kernel_is_minus_infinity() -> None:
    twice = Batch(pairs((1, 2), (1, 2)), torch.tensor([0, 1]))
    nothing = Batch(pairs((0, 0), (0, 0)), torch.tensor([0, 1]))
    assert value_of(NtkCondition(), TwoFeatures, twice) == -math.inf
    assert value_of(NtkCondition(), TwoFeatures, nothing) == -math.inf


def test_te_nas_adds_ranks() -> None:
    table = pd.DataFrame({"ntk_cond": [-9.0, -2.0, -math.inf, np.nan], "linear_regions": [5.0, 7.0, 7.0, 1.0]})
    # ranks 2, 3, 1 and 2, 3.5, 3.5 (the last row's 1 is lowest)
    assert TeNas().combine(table).tolist()[:3] == [4.0, 6.5, 4.5]
    assert math.isnan(TeNas().combine(table)[3])
