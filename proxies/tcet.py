"""T-CET: expressivity of a layer times the signal-to-noise ratio of its saliency; https://github.com/iViolinSolo/zero-cost-proxies."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import LayerCodes, SynflowSaliency
from harness.proxy import PROXIES, Proxy, Sees
from proxies._layer_expressivity import check, expressivity


@PROXIES.register("tcet")
@dataclass(frozen=True)
class Tcet(Proxy):
    """Sum over live convolutions and linear layers of log|det K| f(sum S / std S), S the SynFlow saliencies of weights.

    K_ij is the number of the layer's units whose outputs have the same sign for the images i and j, in eval mode; the
    logarithm counts 0 where K is singular. Saliencies are those of `synflow`: no labels. The deviation is that of
    a sample (n - 1); where it is 0, the sum itself is taken. `mode` is f: none, log, log1p, or norm, which divides by
    the deviation (n) of the layers' ratios. `tcet_snip` is the same with SNIP.

    Not copied: the authors pair the two lists by their places, codes in the order in which layers run, saliencies in
    that in which modules are registered, so that layers are mixed up where the orders differ, as in residual blocks;
    here they are paired by name. Dead layers, whose saliency is 0, are left out; they add 0 there, except
    to the deviation that `norm` divides by. The source is the code; a paper was not at hand.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "https://github.com/iViolinSolo/zero-cost-proxies"
    sees: ClassVar[Sees] = Sees.LIVE

    mode: str = "none"
    n_images: int = 64

    def __post_init__(self) -> None:
        check(self, self.mode, self.n_images)

    def measure(self, codes: LayerCodes, synflow: SynflowSaliency) -> float:
        """Higher is better."""
        return expressivity(codes, synflow.layers, self.mode, self.n_images)
