"""VKDNW against the definition: logits by hand, and a real network by jacrev over all of its parameters."""

import math
from typing import Any

import pandas as pd
import pytest
import torch
from test_every_proxy import CASES, USUAL
from torch import Tensor, nn
from torch.func import functional_call, jacrev
from toy_networks import THREE, Logits, context_of, pixels, scored_alone

from harness.errors import OptionError
from harness.evidence import logit_fisher
from harness.evidence.base import Subject
from harness.evidence.logit_fisher import (
    FisherRequest,
    LogitFisher,
    _cholesky,
    _derivatives,
    _one_by_one,
    _together,
)
from harness.inputs import Batch
from harness.space import Architecture
from harness.space.initialise import Initialisation
from harness.store import UNDEFINED
from proxies.vkdnw import Vkdnw
from proxies.vkdnw_agg import VkdnwAgg
from proxies.vkdnw_entropy import VkdnwEntropy


def request(n_images: int, n_entries: int = 1, smoothing: float = 0.0, as_coded: bool = False) -> FisherRequest:
    return FisherRequest(n_images, 128, n_entries, noise=False, smoothing=smoothing, as_coded=as_coded)


def test_the_fisher_information_of_two_logits_by_hand() -> None:
    # logits (v x, 0) with the weights (v, 0): for v = 0 predictions are 1/2, so C = [[1, -1], [-1, 1]] / 4; for x = 1
    # and 2, J = x I: the mean of x^2 is 5/2. v is the first entry, the zero beside it the second.
    batch = Batch(pixels(1, 2), torch.tensor([0, 1]))
    fisher = LogitFisher(Subject(context_of(lambda: Logits(0), [batch]), Architecture("only"), "all"))
    expected = torch.tensor([[1.0, -1], [-1, 1]], dtype=torch.float64) * 2.5 / 4
    assert torch.allclose(fisher.matrix(request(2, n_entries=2)), expected)
    assert torch.allclose(fisher.matrix(request(2)), expected[:1, :1])
    # L = [[1/2, 0], [-1/2, 0]] of C: L L^T = C, but L^T L = [[1/2, 0], [0, 0]].
    coded = fisher.matrix(request(2, n_entries=2, as_coded=True))
    assert torch.allclose(coded, torch.tensor([[0.5, 0], [0, 0]], dtype=torch.float64) * 2.5)


def test_the_factor_of_a_covariance_of_predictions() -> None:
    predictions = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.97, 0.01, 0.01, 0.01]], dtype=torch.float64)
    factors = _cholesky(predictions)
    covariance = torch.diag_embed(predictions) - predictions[:, :, None] * predictions[:, None, :]
    assert torch.allclose(factors @ factors.transpose(1, 2), covariance)
    assert not bool(factors.triu(1).any())


@pytest.mark.parametrize("n_entries", [1, 3])
def test_on_a_real_network_it_is_the_definition(n_entries: int) -> None:
    """The whole Jacobian by jacrev of each image, of which the entries are then taken."""
    context = CASES["float64"].context()
    subject = Subject(context, USUAL, "all")
    found = LogitFisher(subject).matrix(request(3, n_entries, smoothing=0.1))
    network = subject.build(init=Initialisation.kaiming_normal, seed=0).eval()
    parameters = {name: one.detach() for name, one in network.named_parameters()}
    total = torch.zeros_like(found)
    for image in context.batches[0].images[:3].double():

        def logits(parameters: dict[str, Tensor], image: Tensor = image) -> Tensor:
            one: Tensor = functional_call(network, parameters, (image[None],))[0]
            return one

        whole = jacrev(logits)(parameters)
        chosen = [
            flat[:, torch.linspace(0, flat.shape[1] - 1, steps=n_entries).long()]
            for flat in [one.flatten(1) for one in list(whole.values())[:128]]
        ]
        jacobian = torch.cat(chosen, dim=1)
        p = logits(parameters).softmax(dim=0) * 0.9 + 0.1 / 10
        total += jacobian.T @ (torch.diag(p) - p[:, None] * p[None]) @ jacobian / 3
    assert len(found) == min(128, len(parameters)) * n_entries
    assert torch.allclose(found, total, rtol=1e-9, atol=1e-12 * float(total.abs().max()))
    # Networks of a user's own go one by one: the same Jacobian.
    images = context.batches[0].images[:2].double()
    one_by_one = torch.cat(
        [jacobian for _, jacobian in _one_by_one(network, dict(network.named_parameters()), images, 2)]
    )
    ((_, together),) = _together(network, dict(network.named_parameters()), images, 2)
    assert torch.allclose(one_by_one, together, rtol=1e-9, atol=1e-12 * float(together.abs().max()))


class Wide(nn.Module):
    """Four features and nine classes: the Jacobian is that of the features times the classifier's weight."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()
        self.pool, self.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 9)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.pool(self.act(self.norm(self.conv(images)))).flatten(1))
        return logits


@pytest.mark.parametrize("n_entries", [1, 5])
def test_with_more_classes_than_features_the_jacobian_is_the_same(
    n_entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    network, images = Wide().double().eval(), torch.randn(5, 1, 6, 6, dtype=torch.float64)
    parameters = dict(network.named_parameters())
    expected = torch.cat([jacobian for _, jacobian in _one_by_one(network, parameters, images, n_entries)])
    targets: list[int] = []

    def derivatives(features: Tensor, *rest: Any) -> Tensor:
        targets.append(features.shape[1])
        return _derivatives(features, *rest)

    monkeypatch.setattr(logit_fisher, "_derivatives", derivatives)
    ((_, found),) = _together(network, parameters, images, n_entries)
    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert bool(expected[:, :, -1].any())  # of the classifier
    assert targets == [4]  # passes


class Changed(Wide):
    """The classifier's output is changed in place, so that the logits are no product with its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.beside = nn.Linear(4, 9)

    def forward(self, images: Tensor) -> Tensor:
        features = self.pool(self.act(self.norm(self.conv(images)))).flatten(1)
        logits: Tensor = self.classifier(features)
        logits += self.beside(features)
        return logits


def test_logits_that_were_changed_in_place_are_differentiated_themselves() -> None:
    torch.manual_seed(0)
    network, images = Changed().double().eval(), torch.randn(5, 1, 6, 6, dtype=torch.float64)
    parameters = dict(network.named_parameters())
    expected = torch.cat([jacobian for _, jacobian in _one_by_one(network, parameters, images, 2)])
    ((_, found),) = _together(network, parameters, images, 2)
    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_the_entropy_of_deciles() -> None:
    class Given(LogitFisher):
        def __init__(self, *eigenvalues: float) -> None:
            self.eigenvalues = eigenvalues

        def matrix(self, request: FisherRequest) -> Tensor:
            return torch.diag(torch.tensor(self.eigenvalues, dtype=torch.float64))

    # Ten equal eigenvalues: nine equal deciles. Eleven, of which two are not 0: the ninth decile alone is not 0.
    assert VkdnwEntropy().measure(Given(*[2.0] * 10)) == pytest.approx(math.log(9))
    assert VkdnwEntropy().measure(Given(*[0.0] * 9, 5.0, 7.0)) == pytest.approx(0, abs=1e-8)
    # 0, 1, ..., 10: deciles 1 to 9, shares k / 45.
    expected = -sum(k / 45 * math.log(k / 45) for k in range(1, 10))
    assert VkdnwEntropy().measure(Given(*map(float, range(11)))) == pytest.approx(expected)


def test_what_vkdnw_cannot_score() -> None:
    found = scored_alone(VkdnwEntropy(n_images=2, noise=False), lambda: nn.Sequential(nn.Conv2d(1, 2, 1)), THREE)
    assert found.status == UNDEFINED
    assert found.reason.startswith("the output of the network is no vector of logits")
    with pytest.raises(OptionError, match=r"VkdnwEntropy with n_entries=0 is invalid"):
        Vkdnw(n_entries=0)
    with pytest.raises(OptionError, match=r"smoothing=1 is invalid: it must be in \[0, 1\)"):
        VkdnwEntropy(smoothing=1)


def test_vkdnw_adds_and_the_aggregate_adds_the_logs_of_ranks() -> None:
    table = pd.DataFrame({"n_tensors": [20.0, 20.0, 23.0], "entropy": [1.5, 1.2, 0.1]})
    assert Vkdnw().combine(table).tolist() == pytest.approx([21.5, 21.2, 23.1])
    wide = table.assign(jacob_cov=[3, 2, 1], expressivity=[1, 2, 3], trainability=[1, 1, 0], flops=[5, 9, 9])
    # Ranks of vkdnw 2 1 3, jacob_cov 3 2 1, expressivity 1 2 3, trainability 2.5 2.5 1, flops 1 2.5 2.5.
    products = [2 * 3 * 1 * 2.5 * 1, 1 * 2 * 2 * 2.5 * 2.5, 3 * 1 * 3 * 1 * 2.5]
    assert VkdnwAgg().combine(wide).tolist() == pytest.approx([math.log(one / 3**5) for one in products])
