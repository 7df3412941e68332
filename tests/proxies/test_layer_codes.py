"""T-CET, epsilon and EZNAS-A, worked out by hand on networks of one layer or block."""

import math

import numpy as np
import pytest
import torch
from test_every_proxy import CASES, USUAL
from torch import Tensor, nn
from toy_networks import THREE, Logits, context_of, pairs, pixels, scored_alone, value_of

from harness.errors import OptionError
from harness.evidence import BlockGradientsSeen, LayerCodes
from harness.evidence.base import Subject
from harness.inputs import Batch
from harness.space import Architecture
from harness.store import UNDEFINED
from proxies._sign_determinants import mean_of_norms
from proxies.epsinas import Epsinas
from proxies.eznas_a import EznasA
from proxies.eznas_a_paper import EznasAPaper
from proxies.tcet import Tcet
from proxies.tcet_snip import TcetSnip

ONLY = Architecture("only")


class Three(nn.Module):
    """logits = (x1, x2, -x1) of images of two pixels, for three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(2, 3, bias=False)
        with torch.no_grad():
            self.classifier.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, 0]]))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(images.flatten(1))
        return logits


BATCH = Batch(pairs((1, 1), (1, -1), (-1, 1)), torch.tensor([0, 1, 0]))


def test_codes_of_a_layer_by_hand() -> None:
    # Units x1, x2, -x1 over the images: 110, 101, 001: three patterns. Images 110, 100, 011 agree with themselves in 3,
    # 1 and 2 in 2, 1 and 3 in 1, 2 and 3 in 0: |3 2 1; 2 3 0; 1 0 3| = 27 - 12 - 3 = 12.
    codes = LayerCodes(Subject(context_of(Three, [BATCH]), ONLY, "live"))
    (found,) = codes.layers(3, training=False)
    assert (found.name, found.n_patterns) == ("classifier", 3)
    assert found.log_determinant == pytest.approx(math.log(12))


def test_tcet_by_hand() -> None:
    # SynFlow: |w| times the image of ones: saliencies 1, 0, 0, 1, 1, 0: sum 3, sample deviation sqrt(1.5 / 5).
    ratio = 3 / math.sqrt(0.3)
    assert value_of(Tcet(n_images=3), Three, BATCH) == pytest.approx(math.log(12) * ratio)
    assert value_of(Tcet(mode="log", n_images=3), Three, BATCH) == pytest.approx(math.log(12) * math.log(ratio))
    assert value_of(Tcet(mode="log1p", n_images=3), Three, BATCH) == pytest.approx(math.log(12) * math.log1p(ratio))
    # One layer's ratio has no deviation.
    assert value_of(Tcet(mode="norm", n_images=3), Three, BATCH) == pytest.approx(math.log(12) * ratio)


def test_tcet_of_snip_by_hand() -> None:
    # Logits (v x, 0) with v = 0: both images have the code (no, no), so that the kernel is singular.
    batch = Batch(pixels(1, 2), torch.tensor([0, 1]))
    assert scored_alone(TcetSnip(n_images=2), lambda: Logits(0), batch).status == UNDEFINED
    opposite = Batch(pixels(1, -1), torch.tensor([0, 0]))
    # v = 1: outputs (1, 0), (-1, 0): agreement [[2, 1], [1, 2]], det 3. The gradient of the loss with respect to v is
    # half the sum of x (p - 1): with p = s = sigma(1) and t = sigma(-1), (s - 1) / 2 - (t - 1) / 2 = (s - t) / 2. The
    # zero weight has no saliency: (s - t) / 2 and 0, of deviation (s - t) / 2 / sqrt 2: ratio sqrt 2.
    found = value_of(TcetSnip(n_images=2), lambda: Logits(1), opposite)
    assert found == pytest.approx(math.log(3) * math.sqrt(2))


def test_tcet_refuses_unknown_words() -> None:
    with pytest.raises(OptionError, match="TcetSnip with mode=exp is invalid: it must be one of none, log"):
        TcetSnip(mode="exp")
    with pytest.raises(OptionError, match="n_images=1 is invalid"):
        Tcet(n_images=1)


class Squares(nn.Module):
    """Features relu(w x + 1 / 4) of each pixel, then a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.classifier = nn.Conv2d(1, 1, 1, bias=False), nn.Linear(2, 2)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(torch.relu(self.scale(images) + 0.25).flatten(1))
        return logits


def test_epsilon_by_hand() -> None:
    # Pixels 0, 1, -1, 3. With w = 1 / 4: 1/4, 1/2, 0, 1, scaled the same. With w = 1: 1/4, 5/4, 0, 13/4, scaled 1/13,
    # 5/13, 0, 1.
    # Without the zeros the differences are 1/4 - 1/13 = 9/52, 1/2 - 5/13 = 3/26 and 0, their mean 5/52;
    # the mean of all six is (7/4 + 19/13) / 6 = 167/312.
    batch = Batch(pairs((0, 1), (-1, 3)), torch.tensor([0, 1]))
    assert value_of(Epsinas(low=0.25), Squares, batch) == pytest.approx((5 / 52) / (167 / 312))
    assert value_of(Epsinas(low=1.0), Squares, batch) == 0
    equal = scored_alone(Epsinas(), Squares, Batch(pairs((1, 1), (1, 1)), torch.tensor([0, 1])))
    assert equal.reason == "with equal weights all features are equal"
    assert scored_alone(Epsinas(), nn.Identity, THREE).reason.startswith("the network has no linear layer")


def test_determinants_of_signs_by_hand() -> None:
    # [[1, 1], [-1, 1]]: 2, 2/3; its mirror: -2, 1/2; ones: 0. The norm is sqrt(4/9 + 1/4).
    one = torch.tensor([[3.0, 1], [-2, 5]])
    maps = torch.stack([one, one.flip(0), one.abs()])[None]
    expected = math.sqrt(4 / 9 + 1 / 4)
    assert mean_of_norms([maps]) == pytest.approx(expected)
    assert mean_of_norms([maps, None]) == pytest.approx(expected / 2)  # a dead block counts 0
    # 1 x 1 kernels: 1/2 for either sign, 0 for none.
    assert mean_of_norms([torch.tensor([2.0, -3, 0]).reshape(3, 1, 1, 1)]) == pytest.approx(math.sqrt(1 / 2))


class OneBlock(nn.Module):
    """A block and a shortcut around it, a block that leads nowhere, pooled pixels and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 1, 1, bias=False)
        make = lambda: nn.Sequential(nn.ReLU(), nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1))  # noqa: E731
        self.block, self.dead = make(), make()
        self.classifier = nn.Linear(4, 2)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        self.dead(features)
        logits: Tensor = self.classifier((features + self.block(features).square()).flatten(1))
        return logits


def test_gradients_of_a_block_are_its_own() -> None:
    """Against a gradient through a copy of the block's input, which the shortcut does not reach."""
    images = torch.randn(2, 1, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.manual_seed(0)
    network = OneBlock().double()
    build = lambda: network  # noqa: E731
    subject = Subject(context_of(build, [Batch(images, torch.tensor([0, 1]))]), ONLY, "all")
    live, dead = BlockGradientsSeen(subject).blocks(2, noise=False)
    assert dead.at_input is None
    assert dead.of_weight is None
    copy = network.stem(images).detach().requires_grad_()
    weight = network.block[1].weight
    expected = torch.autograd.grad(network.block(copy).square().sum(), [copy, weight])
    assert live.at_input is not None
    assert live.of_weight is not None
    assert torch.allclose(live.at_input, expected[0])
    assert torch.allclose(live.of_weight, expected[1], atol=1e-12)


def test_eznas_counts_the_blocks_of_a_real_network() -> None:
    """The weights of 1 x 1 convolutions alone: half the root of the number of weights."""
    context = CASES["float64"].context()
    network = Subject(context, USUAL, "all").network
    blocks = [one for one in network.modules() if getattr(one, "official_class", "") == "ReLUConvBN"]
    gradients = BlockGradientsSeen(Subject(context, USUAL, "all")).blocks(4, noise=True)
    assert len(gradients) == len(blocks)
    for block, found in zip(blocks, gradients, strict=True):
        assert found.of_weight is not None
        assert found.of_weight.shape == block.conv.weight.shape  # type: ignore[union-attr]
        assert found.at_input is not None
        if found.of_weight.shape[-1] == 1:
            assert mean_of_norms([found.of_weight]) == pytest.approx(np.sqrt(found.of_weight.numel()) / 2)


class Unreached(nn.Module):
    """A block that no image reaches, before a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.ReLU(), nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
        self.first, self.last = nn.Linear(1, 3), nn.Linear(3, 2)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.last(self.first(images.flatten(1)))
        return output


def test_eznas_of_blocks_that_no_image_reaches_is_zero() -> None:
    for proxy in (EznasA(), EznasAPaper()):
        assert value_of(proxy, Unreached, THREE) == 0


def test_what_eznas_cannot_score() -> None:
    for proxy in (EznasA(), EznasAPaper()):
        found = scored_alone(proxy, lambda: Logits(1), THREE)
        assert found.reason == "the network has no block of a ReLU, a convolution and a batch normalisation"
