"""Proxies with passes of their own over features and codes, worked out by hand on networks small enough for it."""

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from toy_networks import THREE, Logits, ToySpace, context_of, pairs, scored_alone, value_of

from harness.errors import OptionError
from harness.evidence import CellFeatures, ChannelCorrelations
from harness.evidence.base import Subject
from harness.evidence.cells import CellStatistics
from harness.evidence.channels import OutputCorrelation, correlations
from harness.evidence.patterns import n_distinct
from harness.inputs import Batch, DataSet
from harness.proxy import PROXIES
from harness.space import Architecture, ConcatenatingCell, Layer
from harness.store import UNDEFINED
from proxies.az_expressivity import AzExpressivity
from proxies.az_nas import AzNas
from proxies.az_progressivity import AzProgressivity
from proxies.az_trainability import AzTrainability
from proxies.linear_regions import LinearRegions
from proxies.meco import MeCo
from proxies.meco_opt import MeCoOpt
from proxies.swap import Swap
from proxies.zen import Zen


class DenseSpace(ToySpace):
    """Two DenseNet-type cells, and a layer of two thousand parameters."""

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        return (Layer(n_weights=1_500, n_params=2_000, flops=0, live=True),)

    def concatenating_cells(self, arch: Architecture, data_set: DataSet) -> Sequence[ConcatenatingCell]:
        # 4 channels, 3 layers, and 24 links by concatenation: 4 + 24 / 12 = 6; 2 channels, 5 layers, none: 2.
        return (ConcatenatingCell(4, 3, 24), ConcatenatingCell(2, 5, 0))


# Patterns.


def test_equal_rows_count_once() -> None:
    rows = np.array([[1, 0, 1], [1, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=bool)
    assert n_distinct(rows) == 3
    assert n_distinct(np.repeat(rows, 40, axis=1)) == 3
    assert n_distinct(rows[:0]) == 0


class Copies(nn.Module):
    """A ReLU over the image and one over its negative, for images of two pixels; no weights to draw."""

    init_keys: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        total: Tensor = self.act(images) + self.act(-images)
        return total.flatten(1)


def test_swap_counts_the_patterns_of_units_over_images() -> None:
    # Units x1, x2, -x1, -x2 over the images (1, 1), (1, -1), (1, 1): 111, 101, 000, 010: four.
    batch = Batch(pairs((1, 1), (1, -1), (1, 1)), torch.tensor([0, 1, 0]))
    assert value_of(Swap(n_images=3, n_repeats=2), Copies, batch) == 4
    # Over one image a unit is active or not, whatever the network.
    assert scored_alone(Swap(n_images=1, n_repeats=2), Copies, batch).status == UNDEFINED


def test_regularised_swap_prefers_a_size() -> None:
    batch = Batch(pairs((1, 1), (1, -1), (1, 1)), torch.tensor([0, 1, 0]))
    # Two thousand parameters where four are wanted: exp(-(2 - 4)^2 / 8) = exp(-1/2).
    proxy = Swap(n_images=3, n_repeats=1, regularised=True, mu=4, sigma=8)
    found = scored_alone(proxy, Copies, batch, space=DenseSpace(Copies))
    assert found.components["it"] == pytest.approx(4 * math.exp(-0.5))
    with pytest.raises(OptionError, match=r"regularised=True needs mu and sigma"):
        Swap(regularised=True)


def test_linear_regions_of_two_pixels_are_the_quadrants() -> None:
    # The signs of two pixels: 64 N(0,1) images fall into all four quadrants.
    batch = Batch(pairs((1, 1)), torch.tensor([0]))
    assert value_of(LinearRegions(), Copies, batch) == 4
    assert value_of(LinearRegions(n_images=1), Copies, batch) == 1


# Zen.


class Scaled(nn.Module):
    """Features s x of each pixel, pooled; a normalisation beside reads 2 x + 1."""

    def __init__(self, scale: float, norm: bool = True) -> None:
        super().__init__()
        self.scale = scale
        self.norm = nn.BatchNorm2d(1) if norm else nn.Identity()
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, images: Tensor) -> Tensor:
        self.norm(2 * images + 1)
        output: Tensor = self.pool(self.scale * images).flatten(1)
        return output


def test_zen_adds_the_log_response_and_the_log_scale_of_normalisation() -> None:
    # An image of n pixels of N(0,1) answers gamma z with gamma s sum |z|; E |z| = sqrt(2 / pi). The running variance
    # starts at 1 and takes a tenth of 4 var(x) twice: .81 + .19 * 4 = 1.57 with var(x) = 1.
    n_pixels = 4096
    wide = Batch(torch.zeros(1, 1, 64, 64), torch.tensor([0]))
    expected = math.log(0.01 * 3 * n_pixels * math.sqrt(2 / math.pi)) + math.log(1.57) / 2
    assert value_of(Zen(), lambda: Scaled(3), wide) == pytest.approx(expected, abs=0.01)
    assert value_of(Zen(n_repeats=3), lambda: Scaled(3), wide) == pytest.approx(expected, abs=0.01)


def test_zen_of_features_that_do_not_respond_is_minus_infinity() -> None:
    assert value_of(Zen(), lambda: Scaled(0), THREE) == -math.inf


def test_zen_is_undefined_without_normalisation_and_without_pooling() -> None:
    assert scored_alone(Zen(), lambda: Scaled(1, norm=False), THREE).reason == "the network has no batch normalisation"
    found = scored_alone(Zen(), lambda: nn.Sequential(nn.BatchNorm2d(1)), THREE)
    assert found.status == UNDEFINED
    assert found.reason.startswith("the network has no global average pooling")


# MeCo.


def test_correlations_with_a_constant_channel_are_zero() -> None:
    features = torch.tensor([[1.0, 2, 3], [2, 4, 6], [3, 2, 1], [7, 7, 7]])
    one = torch.tensor([[1.0, 1, -1, 0], [1, 1, -1, 0], [-1, -1, 1, 0], [0, 0, 0, 0]])
    assert torch.allclose(correlations(features), one)
    assert torch.equal(correlations(torch.ones(2, 1)), torch.zeros(2, 2))


def channels_of(*outputs: OutputCorrelation) -> ChannelCorrelations:
    channels = ChannelCorrelations(Subject(context_of(nn.Identity, [THREE]), Architecture("only"), "all"))
    channels.made[64] = list(outputs)
    return channels


def test_meco_counts_a_tensor_once_for_each_module_that_gave_it() -> None:
    # [[1, r], [r, 1]] has the eigenvalues 1 +- r: least 1/2 for r = 1/2, given by two modules of which one is a leaf,
    # and 1/4 for r = 3/4, handed on by a container alone.
    half = OutputCorrelation(torch.tensor([[1, 0.5], [0.5, 1]]), n_modules=2, n_leaves=1)
    quarter = OutputCorrelation(torch.tensor([[1, 0.75], [0.75, 1]]), n_modules=1, n_leaves=0)
    channels = channels_of(half, quarter)
    assert MeCo().measure(channels) == pytest.approx(2 * 0.5 + 0.25)
    assert MeCo(containers=False).measure(channels) == pytest.approx(0.5)
    # All pairs of equal channels: with one channel drawn the least eigenvalue is 1, times 2 / 1 for each module.
    assert MeCoOpt(n_channels=1).measure(channels) == pytest.approx(6)
    assert MeCoOpt().measure(channels) == pytest.approx(2 * 0.5 + 0.25)  # fewer than eight are taken whole


def test_meco_of_modules_in_modules() -> None:
    # The image passes three identities; the innermost and the two around it give one tensor of one channel: r = 1.
    # The output of the network is it too.
    build = lambda: nn.Sequential(nn.Sequential(nn.Identity()))  # noqa: E731
    assert value_of(MeCo(), build, THREE) == pytest.approx(3)
    assert value_of(MeCo(containers=False), build, THREE) == pytest.approx(1)


# AZ-NAS.


def cells_of(entropies: tuple[float, ...], gains: tuple[float, ...]) -> CellFeatures:
    cells = CellFeatures(Subject(context_of(nn.Identity, [THREE]), Architecture("only"), "live"))
    cells.made[64] = CellStatistics(entropies, gains)
    return cells


def test_the_parts_of_az_nas() -> None:
    cells = cells_of((1.0, 1.5, 1.25), (1.0, 2.0))
    assert AzExpressivity().measure(cells) == 3.75
    assert AzProgressivity().measure(cells) == -0.25
    # 2 - 1 - 1 = 0 and 2 - 2 - 1/2 = -1/2.
    assert AzTrainability().measure(cells) == pytest.approx(-0.25, abs=1e-6)


def test_az_nas_of_constant_features_and_of_identities_is_minus_infinity() -> None:
    constant = cells_of((1.0, math.nan), (0.0,))
    assert AzExpressivity().measure(constant) == -math.inf
    assert AzProgressivity().measure(constant) == -math.inf
    assert AzTrainability().measure(constant) == pytest.approx(2 - 1e6)
    assert AzTrainability().measure(cells_of((1.0, 1.0), (1.0, math.inf))) == -math.inf


def test_az_nas_adds_the_logs_of_ranks() -> None:
    columns = ("expressivity", "progressivity", "trainability", "complexity")
    table = pd.DataFrame([[1.0, 5, -math.inf, 7], [2, 4, 0, 7], [3, 6, 1, 9], [np.nan] * 4], columns=list(columns))
    # ranks of the three: 1 2 1 1.5; 2 1 2 1.5; 3 3 3 3
    expected = [math.log(1 * 2 * 1 * 1.5 / 81), math.log(2 * 1 * 2 * 1.5 / 81), 0]
    assert AzNas().combine(table)[:3].tolist() == pytest.approx(expected)
    assert math.isnan(AzNas().combine(table)[3])


class Chain(nn.Module):
    """Stem, a cell that multiplies by a, and one that hands on what it gets."""

    def __init__(self, a: float) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 1, bias=False)
        self.scale = nn.Conv2d(2, 2, 1, bias=False)
        self.same = nn.Identity()
        self.cells = ("stem", "scale") if a else ("stem", "same")
        with torch.no_grad():
            self.stem.weight.copy_(torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1))
            self.scale.weight.copy_(a * torch.eye(2).reshape(2, 2, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.same(self.scale(self.stem(images))).mean(dim=(2, 3))
        return output


def test_the_gain_of_a_cell_is_the_factor_of_its_gradients() -> None:
    # g_in = a g_out, so E[g_in g_out^T] = a E[g g^T], which is a I up to the correlation r of the two channels' random
    # signs: singular values a (1 +- r), r about 1 / sqrt(64 * 1024).
    batch = Batch(torch.zeros(1, 1, 32, 32), torch.tensor([0]))
    found = CellFeatures(Subject(context_of(lambda: Chain(3), [batch]), Architecture("only"), "live")).statistics(64)
    assert found.gains == pytest.approx((3,), rel=0.02)
    # Both channels are multiples of the image: one principal component, no entropy.
    assert found.entropies == pytest.approx((0, 0), abs=1e-6)


def test_a_cell_that_hands_on_what_it_gets_has_no_trainability() -> None:
    class Skipping(Chain):
        def __init__(self) -> None:
            super().__init__(1)
            self.cells = ("scale", "same")

    assert value_of(AzTrainability(), Skipping, THREE) == -math.inf


def test_az_nas_needs_the_names_of_cells() -> None:
    found = scored_alone(AzExpressivity(), lambda: Logits(0), THREE)
    assert (found.status, found.reason[:38]) == (UNDEFINED, "the network does not name the cells af")


# NN-Degree and latency.


def test_nn_degree_counts_the_links_of_a_channel() -> None:
    proxy = PROXIES.get("nn_degree")()
    assert scored_alone(proxy, nn.Identity, THREE, space=DenseSpace(nn.Identity)).components == {"it": 8}
    found = scored_alone(proxy, nn.Identity, THREE)
    assert found.status == UNDEFINED
    assert found.reason == "toy has no cells whose layers read concatenations of earlier ones"


def test_latency_is_negative_and_names_the_machine() -> None:
    proxy = PROXIES.get("latency")()
    assert value_of(proxy, lambda: Logits(0), THREE) < 0
    assert proxy.machine  # type: ignore[attr-defined]
    assert not proxy.deterministic


@pytest.mark.parametrize("name", ["zen", "az_nas", "meco", "swap", "ntk_cond", "linear_regions", "te_nas", "latency"])
def test_options_that_cannot_work_are_refused(name: str) -> None:
    proxy = PROXIES.get(name)
    option = next(option for option in vars(proxy()) if option.startswith("n_images") or option == "size")
    with pytest.raises(OptionError, match=f"{proxy.__name__} with {option}=0 is invalid"):
        proxy(**{option: 0})
