"""Proxies that count links, tensors and patterns, worked out by hand."""

import math
from collections.abc import Sequence
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn
from toy_networks import THREE, ToySpace, TwoLayers, pairs, scored_alone, value_of

from harness.errors import OptionError
from harness.inputs import Batch, DataSet
from harness.space import Architecture, ConcatenatingCell, Layer
from harness.store import UNDEFINED
from proxies.n_tensors import NTensors
from proxies.nn_mass import NnMass
from proxies.swap_regularised import SwapRegularised
from proxies.swap_universal import SwapUniversal


class Cells(ToySpace):
    """Concatenating cells, and a layer of two thousand parameters."""

    def __init__(self, *cells: ConcatenatingCell) -> None:
        super().__init__(nn.Identity)
        self._cells = cells

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        return (Layer(n_weights=1_500, n_params=2_000, flops=0, live=True),)

    def concatenating_cells(self, arch: Architecture, data_set: DataSet) -> Sequence[ConcatenatingCell]:
        return self._cells


def n_skip_links(width: int, depth: int, most: int) -> int:
    """Each of `width` channels of layer i reads min(most, (i - 1) width) older ones."""
    return width * sum(min(most, (layer - 1) * width) for layer in range(2, depth))


# Width, depth, most channels a layer reads by skips; density and mass by hand, such as 4, 4, 6: layers 2 and 3 could
# read 4 and 8 channels and read 4 and 6, density 10 / 12, mass 10 / 12 * 16.
CELLS = [(4, 4, 0, 0), (4, 4, 6, 40 / 3), (4, 4, 99, 16), (8, 6, 16, 33.6), (16, 5, 10, 25), (5, 2, 9, 0)]


@pytest.mark.parametrize(("width", "depth", "most", "mass"), CELLS)
def test_nn_mass_of_a_cell(width: int, depth: int, most: int, mass: float) -> None:
    cell = ConcatenatingCell(width, depth, n_skip_links(width, depth, most))
    found = scored_alone(NnMass(), nn.Identity, THREE, space=Cells(cell))
    assert found.components["it"] == pytest.approx(mass)


def test_nn_mass_adds_up_cells_and_needs_some() -> None:
    both = [ConcatenatingCell(4, 4, 40), ConcatenatingCell(8, 6, 448)]
    assert scored_alone(NnMass(), nn.Identity, THREE, space=Cells(*both)).components["it"] == pytest.approx(
        40 / 3 + 33.6
    )
    assert scored_alone(NnMass(), nn.Identity, THREE).status == UNDEFINED


def test_tensors_are_weights_scales_and_shifts() -> None:
    # Two convolutions without bias, one of them dead, and a linear layer; with a normalisation two more.
    assert value_of(NTensors(), lambda: TwoLayers(1, (1, 2)), THREE) == 3
    assert value_of(NTensors(), lambda: TwoLayers(1, (1, 2), norm=True), THREE) == 5


class Smooth(nn.Module):
    """GELU over the pixels, as a vector, and SiLU over their negatives."""

    init_keys: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.act, self.other = nn.GELU(), nn.SiLU()

    def forward(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)
        total: Tensor = self.act(flat) + self.other(-flat)
        return total


BATCH = Batch(pairs((1, 1), (1, -1), (1, 1)), torch.tensor([0, 1, 0]))


def test_swap_universal_counts_smooth_activations_of_vectors() -> None:
    # Units x1, x2, -x1, -x2 over the images (1, 1), (1, -1), (1, 1): 111, 101, 000, 010: four.
    assert value_of(SwapUniversal(), Smooth, BATCH) == 4
    # Of the first two images 11, 10, 00, 01.
    assert value_of(SwapUniversal(n_images=2), Smooth, BATCH) == 4
    assert scored_alone(SwapUniversal(n_images=1), Smooth, BATCH).status == UNDEFINED
    without = scored_alone(SwapUniversal(), nn.Identity, BATCH)
    assert without.reason == "the network has no ReLU, GELU or SiLU"


def test_patterns_over_more_than_sixteen_images() -> None:
    # 20 images that differ in the last one only: units 1..1 and 1..10; negatives 0..0 and 0..01.
    images = pairs(*[(1.0, 1.0)] * 19, (1.0, -1.0))
    assert value_of(SwapUniversal(), Smooth, Batch(images, torch.zeros(20, dtype=torch.long))) == 4


class Copies(Smooth):
    """A ReLU over the image and one over its negative."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        total: Tensor = self.act(images) + self.act(-images)
        return total.flatten(1)


def test_regularised_swap_prefers_a_size_and_has_no_default() -> None:
    # Four patterns; two thousand parameters where four are wanted: exp(-(2 - 4)^2 / 8) = exp(-1/2).
    proxy = SwapRegularised(mu=4, sigma=8, n_images=3, n_repeats=1)
    space = Cells()
    space._build = Copies
    assert scored_alone(proxy, Copies, BATCH, space=space).components["it"] == pytest.approx(4 * math.exp(-0.5))
    found = scored_alone(SwapRegularised(), Copies, BATCH, space=space)
    assert found.status == UNDEFINED
    assert "give the options mu and sigma" in found.reason
    with pytest.raises(OptionError, match=r"mu=4, sigma=nan is invalid: both must be above 0"):
        SwapRegularised(mu=4)
