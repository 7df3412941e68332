"""T-CET: expressivity of a layer times the signal-to-noise ratio of its saliency; iViolinSolo/zero-cost-proxies."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from harness.errors import OptionError
from harness.evidence import FirstBatchGradients, LayerCodes, SynflowSaliency, Weights
from harness.proxy import PROXIES, Proxy, Sees, Undefined

SALIENCIES = ("synflow", "snip")
MODES = ("none", "log", "log1p", "norm")


@PROXIES.register("tcet")
@dataclass(frozen=True)
class Tcet(Proxy):
    """Sum over live convolutions and linear layers of log|det K| f(sum S / std S), S the saliencies of its weights.

    K_ij is the number of the layer's units whose outputs have the same sign for the images i and j, in eval mode; the
    logarithm counts 0 where K is singular. `saliency` is SynFlow (an image of ones, absolute weights, no normalisation,
    no labels) or SNIP (one batch with labels). The deviation is that of a sample (n - 1); where it is 0 the sum itself
    is taken. `mode` is f: none, log, log1p, or norm, which divides by the deviation (n) of the layers' ratios.

    Not copied: the authors pair the two lists by their places, codes in the order in which layers run, saliencies in
    that in which modules are registered, so that layers are mixed up where the orders differ, as in shortcuts of
    NAS-Bench-201; here they are paired by name. Dead layers, whose saliency is 0, are left out; they add 0
    there, except to the deviation that `norm` divides by. The source is the code; a paper was not at hand.
    """

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE

    saliency: str = "synflow"
    mode: str = "none"
    n_images: int = 64

    def __post_init__(self) -> None:
        for option, known in (("saliency", SALIENCIES), ("mode", MODES)):
            if getattr(self, option) not in known:
                raise OptionError(
                    f"Tcet with {option}={getattr(self, option)} is invalid: it must be one of {', '.join(known)}."
                )
        if not self.n_images > 1:
            raise OptionError(f"Tcet with n_images={self.n_images} is invalid: it compares images and needs two.")

    def measure(
        self, codes: LayerCodes, synflow: SynflowSaliency, weights: Weights, gradients: FirstBatchGradients
    ) -> float:
        """Higher is better."""
        if self.saliency == "synflow":
            saliencies = synflow.layers
        else:
            products = {name: weights.layers[name] * layer[0] for name, layer in gradients.layers.items()}
            saliencies = {name: one.abs().double() for name, one in products.items()}
        ratios: dict[str, float] = {}
        for name, values in saliencies.items():
            total = float(values.sum())
            deviation = float(values.std()) if values.numel() > 1 else 0.0
            ratios[name] = total / deviation if deviation > 0 else total
        factors = self._factors(ratios)
        determinants = [(code.name, code.log_determinant) for code in codes.layers(self.n_images, training=False)]
        terms = [factors[name] * one for name, one in determinants if name in factors and math.isfinite(one)]
        if not terms:
            raise Undefined("no layer that has a saliency tells the images apart")
        return math.fsum(terms)

    def _factors(self, ratios: dict[str, float]) -> dict[str, float]:
        if self.mode == "norm":
            deviation = float(np.std(list(ratios.values()))) if ratios else 0.0
            return {name: ratio / deviation if deviation > 0 else ratio for name, ratio in ratios.items()}
        if self.mode == "log":
            return {name: math.log(ratio) if ratio > 0 else 0.0 for name, ratio in ratios.items()}
        return {name: math.log1p(ratio) for name, ratio in ratios.items()} if self.mode == "log1p" else ratios
