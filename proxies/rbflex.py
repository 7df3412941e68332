"""RBFleX: log-determinants of RBF kernels of activations and of last features. arXiv:2503.22733."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from harness.evidence import SingleImages
from harness.proxy import PROXIES, Proxy, Sees, require_positive


@PROXIES.register("rbflex")
@dataclass(frozen=True)
class RBFleX(Proxy):
    """N (log det K + log det Q), K and Q kernels exp(-gamma |x_i - x_j|^2) of N images.

    x are the outputs of all ReLUs for K, the inputs of the last linear layer for Q, scaled to [0, 1] column by column.
    No labels; images run one by one, in train mode by default. The two gammas are the constants of the authors' script
    (Edge-AI-Acceleration-Lab/RBFleX-NAS), from ten networks of NATS-Bench. They are so small that all entries of
    the kernels are within about 1e-6 of 1, and the score is `rbflex_area` times N, plus a constant. The determinants
    are therefore computed from 1 - K. Memory: the activations of N images in float64.

    The authors' code also takes the outputs of every module with 'ReLU' in its class name, in NAS-Bench-201 the
    container ReLUConvBN: official_names=True does. Their images are augmented, and for ImageNet16-120 crops of 224
    pixels; here they are those of the protocol. Of a network of the user's own the inputs of all activations are read.
    On TransNAS-Bench-101, which pools what a normalisation gives, the last features of single images are equal in train
    mode, so that log det Q is one of rounding.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2503.22733"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 3
    gamma_k: float = 2.68690173088039e-12
    gamma_q: float = 1.02460061284506e-11
    official_names: bool = False

    def __post_init__(self) -> None:
        require_positive(self, "n_images", "gamma_k", "gamma_q")

    def measure(self, images: SingleImages) -> float:
        """Higher is better; -inf if two images have equal activations or equal last features."""
        features = images.features(self.n_images, official_names=self.official_names)
        both = log_determinant(features.activations, self.gamma_k) + log_determinant(features.last, self.gamma_q)
        return len(features.last) * both


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
