"""RCor: correlations of images at ReLUs, of values and of gradients. arXiv:2507.08841."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import ActivationCorrelations
from harness.proxy import PROXIES, Proxy, Sees
from proxies._correlation_kernel import log_determinant


@PROXIES.register("rcor")
@dataclass(frozen=True)
class RCor(Proxy):
    """log|det K|, K_ij = sum over ReLUs of |corr of values| + |corr of gradients| between the images i and j.

    Values are what a ReLU reads (pre-activations), gradients those of the loss with the labels of one batch, in the
    same place. Correlations are over units. Values or gradients of a ReLU that are constant in some image do not count.

    Not copied from the authors' code (kunjing96/ZSNAS-WRCor): it hooks every module with 'ReLU' in its class name, so
    that in NAS-Bench-201 the container ReLUConvBN counts its ReLU's values again, and the gradient at its convolution's
    output; a ReLU that works in place shows what it has made of its input; and where memory is short the batch is
    split and the log-determinants of the parts are multiplied, so that their number decides the sign.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2507.08841"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, correlations: ActivationCorrelations) -> float:
        """Higher is better; -inf if two images correlate wholly throughout."""
        return log_determinant(correlations, [1.0] * len(correlations.activations))
