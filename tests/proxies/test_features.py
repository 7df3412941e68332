"""NEAR and Dextr, worked out by hand on networks of a layer or two."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_networks import THREE, pairs, scored_alone, value_of

from harness.evidence.layer_features import as_rows
from harness.inputs import Batch
from harness.store import UNDEFINED
from proxies.dextr import Dextr, _inverse_condition, derivatives
from proxies.near import Near, _block, _effective_rank


def test_the_effective_rank_by_hand() -> None:
    assert float(_effective_rank(torch.eye(4))) == pytest.approx(4)
    assert float(_effective_rank(torch.ones(3, 5))) == pytest.approx(1)
    # Singular values 3 and 1: shares 3/4 and 1/4, exp of the entropy is 4 / 3^(3/4).
    assert float(_effective_rank(torch.diag(torch.tensor([3.0, 1])))) == pytest.approx(4 / 3**0.75)
    assert float(_effective_rank(torch.zeros(2, 2))) == 0


class Doubled(nn.Module):
    """The pixels doubled, then a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.act = nn.Linear(2, 2, bias=False), nn.ReLU()
        with torch.no_grad():
            self.layer.weight.copy_(2 * torch.eye(2))

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.act(self.layer(images.flatten(1)))
        return output


def test_near_adds_the_ranks_before_and_after_activation() -> None:
    # (3, 0), (0, -1), doubled: rank 4 / 3^(3/4); what a ReLU leaves has one direction.
    batch = Batch(pairs((3, 0), (0, -1)), torch.tensor([0, 1]))
    expected = 4 / 3**0.75 + 1
    assert value_of(Near(), Doubled, batch) == pytest.approx(expected)
    assert value_of(Near(n_repeats=3), Doubled, batch) == pytest.approx(expected)
    # One image at a time: rows are added up until there are as many as channels.
    assert value_of(Near(n_images=1), Doubled, batch) == pytest.approx(expected)
    assert value_of(Near(as_coded=True), Doubled, batch) == pytest.approx(expected)
    # Too few images altogether: the rank of those there are.
    assert value_of(Near(), Doubled, Batch(pairs((3, 0)), torch.tensor([0]))) == pytest.approx(2)


def test_near_without_layers_is_undefined() -> None:
    assert scored_alone(Near(), nn.Identity, THREE).status == UNDEFINED


def test_positions_are_rows_and_a_block_is_cut_off_at_the_end() -> None:
    maps = torch.arange(12.0).reshape(1, 2, 2, 3)
    assert as_rows(maps).tolist() == [[0, 6], [1, 7], [2, 8], [3, 9], [4, 10], [5, 11]]
    assert as_rows(maps[:, 0]).tolist() == [[0, 1, 2], [3, 4, 5]]
    rows = torch.arange(8.0)[:, None].expand(8, 6)
    starts = {tuple(_block(rows, 2, torch.Generator().manual_seed(seed))[:, 0].tolist()) for seed in range(40)}
    # Starts 0, 2 and 4 with two positions a line; from 4 on there are four rows for six channels.
    assert starts == {(0, 1, 2, 3, 4, 5), (2, 3, 4, 5, 6, 7), (4, 5, 6, 7)}


def test_near_is_numpys_on_a_map() -> None:
    """A map of exactly as many positions as channels, all of which are drawn."""

    class Convolved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(1, 2, 1, bias=False)
            with torch.no_grad():
                self.layer.weight.copy_(torch.tensor([1.0, -2]).reshape(2, 1, 1, 1))

        def forward(self, images: Tensor) -> Tensor:
            output: Tensor = self.layer(images) + 1
            return output

    batch = Batch(pairs((1, 5)), torch.tensor([0]))
    assert np.linalg.matrix_rank([[1, -2], [5, -10]]) == 1
    assert value_of(Near(), Convolved, batch) == pytest.approx(1)


def test_the_inverse_condition_by_hand() -> None:
    assert float(_inverse_condition(torch.diag(torch.tensor([4.0, 1])))) == pytest.approx(1 / 4)
    assert float(_inverse_condition(torch.ones(3, 5))) == pytest.approx(0, abs=1e-12)
    assert float(_inverse_condition(torch.tensor([3.0, 4]))) == 1
    assert float(_inverse_condition(torch.zeros(2, 2))) == 0


def test_two_derivatives_of_many_outputs_by_hand() -> None:
    angle = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    first, second = derivatives(torch.stack([angle**3, 2 * angle, angle.exp(), angle.detach()]), angle)
    assert first.tolist() == pytest.approx([0.75, 2, math.exp(0.5), 0])
    assert second.tolist() == pytest.approx([3, 0, math.exp(0.5), 0])


def test_the_second_derivative_through_batch_statistics_is_the_slope_of_the_first() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2)).double()
    network.append(nn.Flatten())
    u, v = torch.randn(2, 2, 1, 6, 6, dtype=torch.float64)

    def at(place: float) -> tuple[Tensor, Tensor]:
        angle = torch.tensor(place, dtype=torch.float64, requires_grad=True)
        return derivatives(network(u * angle.cos() + v * angle.sin()).flatten()[:5], angle)

    slope = (at(1e-5)[0] - at(-1e-5)[0]) / 2e-5
    assert at(0.0)[1].tolist() == pytest.approx(slope.tolist(), rel=1e-6)


class Rotating(nn.Module):
    """Both pixels as they are: along a circle of inputs, a circle."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Identity())

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.inner(images.flatten(1))
        return output


def test_dextr_of_a_circle_by_hand() -> None:
    """One drawn coordinate moves along a line, without curvature; of both, once each, the circle has curvature 1."""
    found = [value_of(Dextr(n_coordinates=n), Rotating, THREE_PAIRS) for n in (1, 60)]
    assert found[0] == pytest.approx(0, abs=1e-6)
    # The output is a vector: an inverse condition of 1, a = log 2. Sixty draws of two coordinates hold both about
    # thirty times: the circle becomes an ellipse sqrt(30) as large, of curvature about 1 / sqrt(30).
    b = math.log1p(1 / math.sqrt(30))
    assert found[1] == pytest.approx(math.log(2) * b / (math.log(2) + b), rel=0.25)
    # Identity, container and network give the same vector: log 4 in place of log 2.
    with_containers = value_of(Dextr(n_coordinates=60, containers=True), Rotating, THREE_PAIRS)
    b = 1 / (1 / found[1] - 1 / math.log(2))
    assert with_containers == pytest.approx(math.log(4) * b / (math.log(4) + b))


def test_dextr_of_a_constant_is_undefined() -> None:
    class Constant(Rotating):
        def forward(self, images: Tensor) -> Tensor:
            output: Tensor = self.inner(torch.ones_like(images).flatten(1))
            return output

    found = scored_alone(Dextr(), Constant, THREE_PAIRS)
    assert found.status == UNDEFINED
    assert found.reason.startswith("the outputs do not move along the circle")


THREE_PAIRS = Batch(pairs((1, 2), (3, 4), (5, 7)), torch.tensor([0, 1, 0]))
