"""What RBFleX compares: activations and last features of a few images, each a batch of its own. arXiv:2503.22733."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.evidence import PrivateNetworkAndImages
from harness.evidence.elementwise import ElementwiseReader
from harness.evidence.private import hooked, run
from harness.proxy import Undefined
from harness.space.own_network import OwnNetwork


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """float64 [n_images, n]: outputs of all activations, and inputs of the last linear layer; scaled to [0, 1].

    The scale is that of each column over the images; a column that is constant is 0.
    """

    activations: Tensor
    last: Tensor


def features_of(private: PrivateNetworkAndImages, n_images: int, *, official_names: bool) -> ImageFeatures:
    """The features of the first images.

    Args:
        private: gives network and images.
        n_images: images are run one by one, so that in train mode normalisation uses the statistics of each.
        official_names: also read modules whose class has ReLU in its name in the benchmark's official code.

    Raises:
        Undefined: for fewer than two images, and without an activation or a linear layer.
    """
    network, images = private.network(), private.images(n_images)
    if len(images) < 2:
        raise Undefined("the kernel compares images, and there is one")
    rows = [_of_image(network, images[at : at + 1], official_names) for at in range(len(images))]
    private.cover_activations(network, images)
    return ImageFeatures(*(_scaled(torch.stack(part)) for part in zip(*rows, strict=True)))


@torch.no_grad()
def _of_image(network: nn.Module, image: Tensor, official_names: bool) -> tuple[Tensor, Tensor]:
    found: list[Tensor] = []
    last: list[Tensor] = []

    def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        if isinstance(module, nn.Linear):
            last[:] = [inputs[0].detach().flatten().double()]
        else:
            found.append(output.detach().flatten().double())
        return None

    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if isinstance(network, OwnNetwork):
        # An activation's input, of which the codes are read everywhere, is what the network shows.
        with ElementwiseReader(1, lambda units: found.append(units.flatten().double())), hooked(linear, see):
            run(network, image)
    else:
        named = [module for module in network.modules() if _is_relu(module, official_names)]
        with hooked([*named, *linear], see):
            run(network, image)
    if not (found and last):
        raise Undefined("the network has no activation, or no linear layer at its end")
    return torch.cat(found), last[0]


def _is_relu(module: nn.Module, official_names: bool) -> bool:
    name = type(module).__name__
    return "ReLU" in (getattr(module, "official_class", name) if official_names else name)


def _scaled(rows: Tensor) -> Tensor:
    least, largest = rows.min(dim=0).values, rows.max(dim=0).values
    return (rows - least) / torch.where(largest > least, largest - least, 1)


def log_determinant(rows: Tensor, gamma: float) -> float:
    """Log det of K_ij = exp(-gamma |x_i - x_j|^2); -inf if two rows are equal.

    From 1 - K rather than from K, whose entries differ from 1 by 1e-6 and less: the first row and column are eliminated
    by hand, which leaves M_ij = K_ij - K_1i K_1j, differences of two numbers near 1 that expm1 gives in full.
    """
    squares = torch.cdist(rows[None], rows[None], compute_mode="donot_use_mm_for_euclid_dist")[0].square()
    first = squares[0, 1:]
    rest = torch.expm1(-gamma * squares[1:, 1:]) - torch.expm1(-gamma * (first[:, None] + first[None]))
    scale = rest.abs().max()
    if not scale > 0:
        return -math.inf
    sign, found = torch.linalg.slogdet(rest / scale)
    return float(found + len(rest) * scale.log()) if sign > 0 else -math.inf
