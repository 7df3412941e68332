"""Second derivatives that are written out, against those that PyTorch derives."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from harness.evidence.double_backward import CheapSecondDerivatives


def numbers(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def derivatives(cheap: bool, stride: int, groups: int, bias: bool) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs and gradients of a convolution, a normalisation and a ReLU; and the derivatives of these gradients."""
    images, kernel = numbers(4, 4, 7, 7, seed=0), numbers(6, 4 // groups, 3, 3, seed=1)
    offset = numbers(6, seed=2) if bias else None
    scale, shift = numbers(6, seed=3), numbers(6, seed=4)
    mean, variance = torch.zeros(6, dtype=torch.float64), torch.ones(6, dtype=torch.float64)
    with CheapSecondDerivatives() if cheap else nullcontext():
        features = F.conv2d(images, kernel, offset, stride, 1, 1, groups)
        outputs = F.relu(F.batch_norm(features, mean, variance, scale, shift, training=True))
    loss = (outputs**3 + outputs.sin()).sum()
    first = torch.autograd.grad(loss, [images, features, kernel, scale, shift], create_graph=True)
    second = torch.autograd.grad(
        [*first[:2]], [images, kernel, scale], [images.detach().cos(), features.detach()], retain_graph=True
    )
    return [outputs, mean, variance, *first], list(second)


@pytest.mark.parametrize(("stride", "groups", "bias"), [(1, 1, True), (2, 1, False), (2, 2, True)])
def test_first_gradients_keep_their_bits_and_second_ones_their_value(stride: int, groups: int, bias: bool) -> None:
    own, second = derivatives(True, stride, groups, bias)
    reference, expected = derivatives(False, stride, groups, bias)
    for one, other in zip(own, reference, strict=True):
        assert torch.equal(one, other)
    for one, other in zip(second, expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-10, atol=1e-10)


def test_what_is_not_written_out_is_left_to_pytorch() -> None:
    images, kernel = numbers(2, 3, 5, 5, seed=0), numbers(4, 3, 3, 3, seed=1)
    mean, variance = torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    with CheapSecondDerivatives():
        features = F.conv2d(images, kernel, padding="same")
        normalised = F.batch_norm(features, mean, variance)  # by running statistics
    assert torch.equal(features, F.conv2d(images, kernel, padding="same"))
    assert torch.equal(normalised, F.batch_norm(features, mean, variance))
