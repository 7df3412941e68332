"""Entropy of VKDNW: how evenly the Fisher information is spread. Tybl and Neumann, arXiv:2502.04975."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.errors import OptionError
from harness.evidence import LogitFisher
from harness.evidence.logit_fisher import FisherRequest
from harness.proxy import PROXIES, Proxy, Sees, Undefined, require_positive

_OFFSET = 1e-10
_QUANTILES = tuple(place / 10 for place in range(1, 10))


@PROXIES.register("vkdnw_entropy")
@dataclass(frozen=True)
class VkdnwEntropy(Proxy):
    """Shannon entropy of the deciles of the eigenvalues of the Fisher information, scaled to sum to 1.

    The Fisher information is that of the network's own predictions for 64 images of N(0,1), without labels, with
    weights N(0, 2 / fan_in) and running statistics, over the first entry of each of the first 128 parameter tensors:
    see `harness.evidence.logit_fisher`. Dead operations count, as published: their derivatives are 0.

    What the authors' code (ondratybl/VKDNW, NB201) does otherwise: its default selects no entry at all, n_entries=1 is
    that of their code for MobileNetV2 without its random choice of tensors; it multiplies with a factor of the
    covariance of predictions from the wrong side, which as_coded=True repeats; eigenvalues whose computation failed
    become two zeros, of entropy about 0. Predictions are smoothed by 5 % as there.

    Cost: a backward pass per class, or per input of the classifier where these are fewer: on NATS-TSS 10 passes for
    CIFAR-10, and 64 for 100 and 120 classes, which is more than five times the cost of `zico`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2502.04975"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 64
    n_tensors: int = 128
    n_entries: int = 1
    noise: bool = True
    smoothing: float = 0.05
    as_coded: bool = False

    def __post_init__(self) -> None:
        require_positive(self, "n_images", "n_tensors", "n_entries")
        if not 0 <= self.smoothing < 1:
            raise OptionError(
                f"{type(self).__name__} with smoothing={self.smoothing} is invalid: it must be in [0, 1)."
            )

    def measure(self, fisher: LogitFisher) -> float:
        """Higher is better; at least 0, at most log 9."""
        request = FisherRequest(
            self.n_images, self.n_tensors, self.n_entries, self.noise, self.smoothing, self.as_coded
        )
        eigenvalues = torch.linalg.eigvalsh(fisher.matrix(request))
        rounding = len(eigenvalues) * torch.finfo(eigenvalues.dtype).eps * eigenvalues[-1]
        eigenvalues = torch.where(eigenvalues > rounding, eigenvalues, 0)
        places = torch.tensor(_QUANTILES, dtype=eigenvalues.dtype, device=eigenvalues.device)
        deciles = torch.quantile(eigenvalues, places)
        if not deciles.sum() > 0:
            raise Undefined("fewer than a tenth of the eigenvalues of the Fisher information are above 0")
        shares = deciles / (deciles.sum() + _OFFSET)
        return float(-(shares * torch.log(shares + _OFFSET)).sum())
