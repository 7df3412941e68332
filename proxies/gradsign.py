"""GradSign: sign agreement of per-image gradients. Zhang and Jia, ICLR 2022, arXiv:2110.08616."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.evidence import PerImageGradients
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("gradsign")
@dataclass(frozen=True)
class GradSign(Proxy):
    """Sum over weights of |sum over images of the sign of the image's gradient|; convolutions and linear layers.

    The authors' function for NAS-Bench-101 and -201 (`grad_conflict`), with its nansum; `gradsign_mean` is the mean
    over weights. Each image of the first batch is passed separately: in train mode, normalisation uses the statistics
    of that image.

    A gradient that is 0 in theory contributes the sign of its rounding error. This affects the whole backbone if global
    pooling follows a normalisation, as in TransNAS-Bench-101: the mean over one image's normalised pixels is constant.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2110.08616"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, gradients: PerImageGradients) -> float:
        """Higher is better; at most the number of images times that of weights."""
        sums = [layer.signs.abs().sum(dtype=torch.float64) for layer in gradients.layers.values()]
        return torch.stack(sums).sum().item() if sums else 0.0
