"""EZNAS-A as its code computes it: signs of gradients at ReLUs. Akhauri et al., NeurIPS 2022, arXiv:2209.07413."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import BlockGradientsSeen
from harness.proxy import PROXIES, Proxy, Sees, require_positive
from proxies._sign_determinants import mean_of_norms


@PROXIES.register("eznas_a")
@dataclass(frozen=True)
class EznasA(Proxy):
    """Mean over blocks of the Frobenius norm of sigmoid(log det(sign T)), T the gradients at the block's input.

    Gradients are those of the sum of the features before the classifier, on images, without labels, by way of the block
    alone. T is [n_images, channels, height, width], and each of its n_images x channels square maps has a determinant
    of signs: d > 0 gives d / (1 + d), d < 0 gives 1/2 and d = 0 gives 0, so that the score grows with the root of
    the number of maps that are not dead. Blocks are ReLU, convolution, normalisation; dead ones count 0.

    The paper names another tensor, see `eznas_a_paper`; the released program reads this one through an index that is
    shifted by one and permuted (`fixed_ordering[i - 1]`). Not copied: there a determinant, which is
    an integer, counts as 0 only if float32 makes it exactly 0, whereas here it does below 1/2; and images are drawn
    anew for each network.

    On TransNAS-Bench-101, which pools what a normalisation gives, the sum of a batch's features is constant in train
    mode, so that all gradients are rounding, and so are the signs that count here.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2209.07413"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 16

    def __post_init__(self) -> None:
        require_positive(self, "n_images")

    def measure(self, gradients: BlockGradientsSeen) -> float:
        """Higher is better; at least 0, at most the root of the largest number of maps."""
        return mean_of_norms([block.at_input for block in gradients.blocks(self.n_images, noise=False)])
