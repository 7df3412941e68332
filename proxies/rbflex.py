"""RBFleX: log-determinants of RBF kernels of activations and of last features. arXiv:2503.22733."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import PrivateNetworkAndImages
from harness.proxy import PROXIES, Proxy, Sees, require_positive
from proxies._image_triangle import features_of, log_determinant


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

    def measure(self, private: PrivateNetworkAndImages) -> float:
        """Higher is better; -inf if two images have equal activations or equal last features."""
        features = features_of(private, self.n_images, official_names=self.official_names)
        both = log_determinant(features.activations, self.gamma_k) + log_determinant(features.last, self.gamma_q)
        return len(features.last) * both
