"""SWAP-Universal: sample-wise activation patterns of any activation function. arXiv:2605.07378."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import PrivateNetworkAndImages
from harness.evidence.patterns import n_signs_patterns
from harness.proxy import PROXIES, Proxy, Sees, Undefined, require_positive


@PROXIES.register("swap_universal")
@dataclass(frozen=True)
class SwapUniversal(Proxy):
    """The number of distinct patterns of signs over the images, among the units of all ReLU, GELU and SiLU modules.

    Differs from `swap`: outputs of any shape count, not feature maps only; smooth activations count; weights are those
    of the protocol, drawn once; no regularisation. The default number of images is that of the authors' script for
    transformers, which uses 128 texts (from a third party's notes on it). A unit's code is the sign of its
    pre-activation. The authors take the sign of the output, which is the same except where it is exactly 0, as beyond
    float32 underflow of GELU and SiLU.

    Memory: a forward pass without gradients, a bit per unit and image, and some 100 bytes per distinct pattern.

    Of a network of the user's own every elementwise activation counts, also one that is computed by a function.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2605.07378"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 128

    def __post_init__(self) -> None:
        require_positive(self, "n_images")

    def measure(self, private: PrivateNetworkAndImages) -> float:
        """Higher is better; at least 1, at most 2^n_images."""
        images = private.images(self.n_images)
        if len(images) < 2:
            raise Undefined("over one image a unit is active or not, whatever the network")
        network = private.network()
        found = n_signs_patterns(network, images)
        private.cover_activations(network, images)
        if not found:
            raise Undefined("the network has no ReLU, GELU or SiLU")
        return float(found)
