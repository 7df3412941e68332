"""L-SWAG, worked out by hand from gradients and codes that are given."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.errors import OptionError
from harness.proxy import Undefined
from proxies.lswag import LSwag


def given(n_relus: int = 2) -> tuple[Any, Any]:
    # First layer: gradients 1, -3 and 2, 2: |g| 1, 3 deviates by 1, the second weight not at all: log(1 / 1) = 0.
    # Second layer: 1, 5 and 0, 1: deviations 2 and 1/2: log(1/2 + 2).
    layers = {"a": torch.tensor([[1.0, 2], [-3, 2]]), "b": torch.tensor([[1.0, 0], [5, 1]])}
    # Units over two images: 11, 10, 11 are two patterns; 00 is one.
    codes = [torch.tensor([[1, 1, 1], [1, 0, 1]], dtype=torch.bool), torch.tensor([[0], [0]], dtype=torch.bool)]
    return SimpleNamespace(layers=layers), SimpleNamespace(codes=codes[:n_relus])


def test_lswag_by_hand() -> None:
    assert LSwag().measure(*given()) == pytest.approx((0 + math.log(2.5)) * 3)
    # The second half: the second layer and the second ReLU.
    assert LSwag(start=0.5).measure(*given()) == pytest.approx(math.log(2.5) * 1)
    assert LSwag(end=0.5).measure(*given()) == 0


def test_what_lswag_cannot_score() -> None:
    with pytest.raises(Undefined, match="no ReLU"):
        LSwag().measure(*given(n_relus=0))
    with pytest.raises(OptionError, match=r"start=0.6, end=0.5 is invalid: shares of the depth"):
        LSwag(start=0.6, end=0.5)
