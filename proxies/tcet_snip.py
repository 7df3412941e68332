"""T-CET with the saliencies of SNIP in place of SynFlow's; https://github.com/iViolinSolo/zero-cost-proxies."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import FirstBatchGradients, LayerCodes, Weights
from harness.proxy import PROXIES, Proxy, Sees
from proxies._layer_expressivity import check, expressivity


@PROXIES.register("tcet_snip")
@dataclass(frozen=True)
class TcetSnip(Proxy):
    """`tcet` with the saliencies of `snip`, |w * dL/dw| for one batch with its labels."""

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "https://github.com/iViolinSolo/zero-cost-proxies"
    sees: ClassVar[Sees] = Sees.LIVE

    mode: str = "none"
    n_images: int = 64

    def __post_init__(self) -> None:
        check(self, self.mode, self.n_images)

    def measure(self, codes: LayerCodes, weights: Weights, gradients: FirstBatchGradients) -> float:
        """Higher is better."""
        saliencies = {name: (weights.layers[name] * layer[0]).abs() for name, layer in gradients.layers.items()}
        return expressivity(codes, saliencies, self.mode, self.n_images)
