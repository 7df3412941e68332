"""EZNAS-A as its paper says: signs of weight gradients under noise. Akhauri et al., NeurIPS 2022, arXiv:2209.07413."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import BlockGradientsSeen
from harness.proxy import PROXIES, Proxy, Sees, require_positive
from proxies._sign_determinants import mean_of_norms


@PROXIES.register("eznas_a_paper")
@dataclass(frozen=True)
class EznasAPaper(Proxy):
    """`eznas_a` with T the gradient of each block's convolution for a batch of N(0,1) images [n_out, n_in, k, k].

    A 1 x 1 kernel counts 1 / (1 + 1) = 1/2 whatever its sign, so that for these layers the score is half the root of
    the number of weights; random signs of 3 x 3 have the determinant 4 or -4 in 3 of 16 cases each, otherwise 0: the
    score is mostly a count of channels. On TransNAS-Bench-101 the signs are those of rounding, see `eznas_a`. That this
    is the paper's tensor was taken from a note, not read in it.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2209.07413"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 16

    def __post_init__(self) -> None:
        require_positive(self, "n_images")

    def measure(self, gradients: BlockGradientsSeen) -> float:
        """Higher is better; at least 0."""
        return mean_of_norms([block.of_weight for block in gradients.blocks(self.n_images, noise=True)])
