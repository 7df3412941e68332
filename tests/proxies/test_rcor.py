"""RCor and WRCor against the definition, worked out by hand on two pixels and by plain NumPy on a real network."""

import math

import numpy as np
import pytest
import torch
from test_every_proxy import CASES, USUAL
from torch import Tensor, nn
from toy_networks import context_of, scored_alone, value_of

from harness.evidence.base import Subject
from harness.evidence.image_correlations import ActivationCorrelations, absolute_correlations
from harness.inputs import Batch
from harness.scoring.engine import score
from harness.space import Architecture
from harness.store import UNDEFINED
from proxies.rcor import RCor
from proxies.wrcor import WRCor, _weights


def test_correlations_are_numpys_and_constant_rows_have_none() -> None:
    rows = torch.tensor([[1.0, 2, 4], [3, 1, -2], [5, 5, 5]])
    found = absolute_correlations(rows)
    assert found[:2, :2].numpy() == pytest.approx(np.abs(np.corrcoef(rows[:2].numpy())))
    assert bool(torch.isnan(found[2]).all() and torch.isnan(found[:, 2]).all())
    assert bool(torch.isnan(absolute_correlations(torch.full((2, 7), 0.1))).all())


class Pixels(nn.Module):
    """logits = (w . relu(x), 0) of images of three pixels; `twice` adds a second ReLU of x, which leads nowhere.

    The images pass an identity with weights, without which no gradient would come as far as the ReLU.
    """

    def __init__(self, twice: bool = False) -> None:
        super().__init__()
        self.act, self.idle = nn.ReLU(), nn.ReLU()
        self.same = nn.Linear(3, 3, bias=False)
        self.twice = twice
        self.classifier = nn.Linear(3, 2, bias=False)
        with torch.no_grad():
            self.same.weight.copy_(torch.eye(3))
            self.classifier.weight.copy_(torch.tensor([[1.0, 2, 4], [0, 0, 0]]) / 16)

    def forward(self, images: Tensor) -> Tensor:
        flat = self.same(images.flatten(1))
        if self.twice:
            self.idle(flat)
        logits: Tensor = self.classifier(self.act(flat))
        return logits


IMAGES = torch.tensor([[1.0, 2, -3], [2, -1, 1]], dtype=torch.float64).reshape(2, 1, 1, 3)
BATCH = Batch(IMAGES, torch.tensor([0, 1]))


def test_rcor_by_hand() -> None:
    # Values (1, 2, -3), (2, -1, 1): means 0 and 2/3; product 1 * 4/3 - 2 * 5/3 - 3 * 1/3 = -3; norms sqrt(14),
    # sqrt(42/9): r = 3 / sqrt(14 * 42 / 9). Gradients are multiples of (1, 2, 0) and (1, 0, 4): means 1 and 5/3;
    # product 0 * .. + 1 * (-5/3) - 1 * 7/3 = -4; norms sqrt(2), sqrt(4 + 25 + 49) / 3: s = 4 / sqrt(2 * 78 / 9).
    r, s = 3 / math.sqrt(14 * 42 / 9), 4 / math.sqrt(2 * 78 / 9)
    assert value_of(RCor(), Pixels, BATCH) == pytest.approx(math.log(4 - (r + s) ** 2))
    # A ReLU that leads nowhere has values, and no gradient.
    twice = value_of(RCor(), lambda: Pixels(twice=True), BATCH)
    assert twice == pytest.approx(math.log(9 - (2 * r + s) ** 2))


def test_a_matrix_with_a_constant_image_does_not_count() -> None:
    # The second image is constant, and its gradient is not: K is that of gradients alone, (1, 2, 0) and (1, 2, 4).
    images = torch.tensor([[1.0, 2, -3], [2, 2, 2]], dtype=torch.float64).reshape(2, 1, 1, 3)
    s = abs(np.corrcoef([1, 2, 0], [1, 2, 4])[0, 1])
    assert value_of(RCor(), Pixels, Batch(images, BATCH.targets)) == pytest.approx(math.log(1 - s**2))
    nothing = scored_alone(RCor(), Pixels, Batch(-torch.ones(2, 1, 1, 3, dtype=torch.float64), BATCH.targets))
    assert nothing.status == UNDEFINED
    assert scored_alone(RCor(), Pixels, Batch(IMAGES[:1], BATCH.targets[:1])).status == UNDEFINED


def test_the_gradient_is_that_by_way_of_this_activation() -> None:
    class Shared(Pixels):
        """Two ReLUs of x; the second counts three times as much."""

        def forward(self, images: Tensor) -> Tensor:
            flat = self.same(images.flatten(1))
            logits: Tensor = self.classifier(self.act(flat) + 3 * self.idle(-flat))
            return logits

    subject = Subject(context_of(Shared, [BATCH]), Architecture("only"), "live")
    (found,) = ActivationCorrelations.collect_all(subject, [ActivationCorrelations])
    assert isinstance(found, ActivationCorrelations)
    first, second = found.activations
    assert (first.name, second.name) == ("act", "idle")
    assert first.gradients is not None
    assert second.gradients is not None
    assert first.gradients[0, 1] == pytest.approx(abs(np.corrcoef([1, 2, 0], [1, 0, 4])[0, 1]))
    assert second.gradients[0, 1] == pytest.approx(abs(np.corrcoef([0, 0, 4], [0, 2, 0])[0, 1]))


def test_weights_double_from_cell_to_cell() -> None:
    names = ["stem.act", "blocks.0.act", "blocks.1.edges.0.act", "blocks.10.act", "blocks.2.act", "last.1"]
    cells = ("stem", "blocks.0", "blocks.1", "blocks.2")
    names.remove("blocks.10.act")
    assert _weights(names, cells) == [0.5, 1, 2, 4, 8]
    assert _weights(["first", "b.0", "last"], ("s", "b")) == [0.5, 1, 2]


def test_wrcor_needs_cells() -> None:
    assert scored_alone(WRCor(), Pixels, BATCH).reason == "the network does not name the cells that the weights go by"


@pytest.mark.parametrize("weighted", [False, True])
def test_on_a_real_network_it_is_the_definition(weighted: bool) -> None:
    """By gradients of leaves put before each ReLU, and NumPy's corrcoef."""
    context = CASES["float64"].context()
    arch = context.space.canonical(USUAL)
    proxy = WRCor() if weighted else RCor()
    found = score(context, arch, "live", {"it": proxy})["it"].components["it"]

    network = Subject(context, arch, "live").network
    kernel, seen = np.zeros((4, 4)), []
    relus = {module: name for name, module in network.named_modules() if isinstance(module, nn.ReLU)}
    for relu, name in relus.items():

        def lay(module: nn.Module, inputs: tuple[Tensor, ...], name: str = name) -> Tensor:
            seen.append((name, inputs[0] + 0))
            return seen[-1][1]

        relu.register_forward_pre_hook(lay)
    batch = context.batches[0]
    loss = context.data_set.loss(network(batch.images.double()), batch.targets)
    gradients = torch.autograd.grad(loss, [features for _, features in seen])
    n_cells = len(network.cells) - 1  # type: ignore[arg-type]
    for (name, features), gradient in zip(seen, gradients, strict=True):
        place = n_cells if name.startswith("last") else int(name.split(".")[1])
        for matrix in (features, gradient):
            kernel += 2.0 ** (place * weighted) * np.abs(np.corrcoef(matrix.detach().flatten(1).numpy()))
    assert found == pytest.approx(np.linalg.slogdet(kernel)[1], rel=1e-9)
