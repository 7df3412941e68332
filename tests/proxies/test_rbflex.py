"""RBFleX on triangles worked out by hand, and against an RBF kernel in 60 digits."""

import math
from decimal import Decimal, getcontext

import pytest
import torch
from test_every_proxy import CASES, USUAL
from torch import Tensor, nn
from toy_networks import context_of, scored_alone, value_of

from harness.errors import OptionError
from harness.evidence import SingleImages
from harness.inputs import Batch
from harness.scoring.engine import score
from harness.space import Architecture
from harness.store import UNDEFINED
from proxies.rbflex import RBFleX, log_determinant
from proxies.rbflex_area import RBFleXArea


class Identity(nn.Module):
    """The ReLU of two pixels, and a linear layer that reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.act, self.classifier = nn.ReLU(), nn.Linear(2, 2)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.act(images.flatten(1)))
        return logits


def triangle(*corners: tuple[float, float]) -> Batch:
    return Batch(torch.tensor(corners, dtype=torch.float64).reshape(-1, 1, 1, 2), torch.zeros(len(corners), dtype=int))


def test_the_area_of_a_triangle_by_hand() -> None:
    # (1, 2), (5, 2), (1, 6), scaled (0, 0), (1, 0), (0, 1): area 1/2 in both spaces.
    assert value_of(RBFleXArea(), Identity, triangle((1, 2), (5, 2), (1, 6))) == pytest.approx(2 * math.log(1 / 4))
    # (1, 1), (2, 2), (3, 3) lie on a line, and so do images that a ReLU makes equal.
    assert value_of(RBFleXArea(), Identity, triangle((1, 1), (2, 2), (3, 3))) == -math.inf
    assert value_of(RBFleX(), Identity, triangle((-1, 1), (-2, 1), (-3, -1))) == -math.inf


def test_the_kernel_of_a_triangle_by_hand() -> None:
    # Squared distances 1, 1, 2 with gamma log 2: [[1, a, a], [a, 1, a^2], [a, a^2, 1]] with a = 1/2 has the determinant
    # 1 - a^4 - a^2 + a^4 + a^4 - a^2 = 1 - 2 a^2 + a^4 = 9/16.
    proxy = RBFleX(gamma_k=math.log(2), gamma_q=math.log(2))
    found = value_of(proxy, Identity, triangle((1, 2), (5, 2), (1, 6)))
    assert found == pytest.approx(3 * 2 * math.log(9 / 16))


@pytest.mark.parametrize("gamma", [2.7e-12, 1e-3, 0.3])
def test_the_determinant_holds_where_the_kernel_is_nearly_one(gamma: float) -> None:
    getcontext().prec = 60
    rows = torch.rand(3, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = [[Decimal(number) for number in row] for row in rows.tolist()]

    def entry(i: int, j: int) -> Decimal:
        square = sum((a - b) ** 2 for a, b in zip(exact[i], exact[j], strict=True))
        return (-Decimal(gamma) * square).exp()

    a, b, c = entry(0, 1), entry(0, 2), entry(1, 2)
    determinant = 1 + 2 * a * b * c - a * a - b * b - c * c
    assert log_determinant(rows, gamma) == pytest.approx(float(determinant.ln()), rel=1e-12)


def test_the_gammas_do_not_matter_to_the_ranking() -> None:
    """The score is N times the logs of squared areas, plus N log(16 gamma_k^2) + N log(16 gamma_q^2)."""
    context = CASES["float64"].context()
    proxies = {"kernel": RBFleX(), "area": RBFleXArea(), "wider": RBFleX(gamma_k=1e-13)}
    found = {name: row.components[name] for name, row in score(context, USUAL, "all", proxies).items()}
    constant = sum(math.log(16 * gamma**2) for gamma in (RBFleX.gamma_k, RBFleX.gamma_q))
    assert found["kernel"] == pytest.approx(3 * (found["area"] + constant), rel=1e-7)
    assert found["kernel"] - found["wider"] == pytest.approx(6 * math.log(RBFleX.gamma_k / 1e-13), rel=1e-6)


def test_what_rbflex_cannot_score() -> None:
    assert scored_alone(RBFleX(), Identity, triangle((1, 2))).status == UNDEFINED
    found = scored_alone(RBFleX(), nn.Identity, triangle((1, 2), (3, 4)))
    assert found.reason == "the network has no activation, or no linear layer at its end"
    with pytest.raises(OptionError, match="gamma_k=0 is invalid"):
        RBFleX(gamma_k=0)


def test_one_pass_serves_both(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    compute = SingleImages._compute
    monkeypatch.setattr(
        SingleImages, "_compute", lambda self, *request: passes.append(request) or compute(self, *request)
    )
    found = score(CASES["float64"].context(), USUAL, "all", {"kernel": RBFleX(), "area": RBFleXArea()})
    assert passes == [(3, False)]
    assert all(row.seconds > 0 for row in found.values())


def test_the_pass_of_an_undefined_network_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    compute = SingleImages._compute
    monkeypatch.setattr(
        SingleImages, "_compute", lambda self, *request: passes.append(request) or compute(self, *request)
    )
    context = context_of(nn.Identity, [triangle((1, 2), (3, 4), (5, 6))])
    found = score(context, Architecture("only"), "all", {"kernel": RBFleX(), "area": RBFleXArea()})
    assert {row.reason for row in found.values()} == {"the network has no activation, or no linear layer at its end"}
    assert len(passes) == 1
