"""NTK condition number: trainability of TE-NAS. Chen et al., ICLR 2021, arXiv:2102.11535."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.evidence import TangentKernel
from harness.proxy import PROXIES, Proxy, Sees, Undefined, require_positive


@PROXIES.register("ntk_cond")
@dataclass(frozen=True)
class NtkCondition(Proxy):
    """Minus the ratio of the largest to the smallest eigenvalue of the neural tangent kernel.

    The paper uses the ratio, for which lower is better; here its negative. The kernel is that of summed outputs, over
    all weights, for the first images of the protocol; 72 is the batch size of the search in NAS-Bench-201.
    Normalisation uses running statistics, the default of the authors' function. Their search, and AZ-NAS, use
    train_mode=True: images then share batch statistics, each needs a backward pass over the batch, and the ranking
    differs. Weights are initialised by the protocol, whereas TE-NAS draws N(0, 2 / fan_out). A singular kernel is -inf;
    the authors' code returns the result of rounding, possibly a negative ratio, which ranks best, or 100,000 for 0 / 0.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2102.11535"
    sees: ClassVar[Sees] = Sees.LIVE

    n_images: int = 72
    train_mode: bool = False

    def __post_init__(self) -> None:
        require_positive(self, "n_images")

    def measure(self, tangent: TangentKernel) -> float:
        """Higher is better; at most -1."""
        kernel = tangent.kernel(self.n_images, train_mode=self.train_mode)
        if len(kernel) < 2:
            raise Undefined("the kernel of one image has one eigenvalue")
        eigenvalues = torch.linalg.eigvalsh(kernel)
        least, largest = eigenvalues[0].item(), eigenvalues[-1].item()
        rounding = len(eigenvalues) * torch.finfo(eigenvalues.dtype).eps * largest
        return -largest / least if least > rounding else -math.inf
