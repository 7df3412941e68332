"""Global gradient norm: one norm over all parameters. Lin et al., ICCV 2021, arXiv:2102.01063 (their code)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import ParameterGradients
from harness.proxy import PROXIES, Proxy, Sees
from proxies._total import total


@PROXIES.register("grad_norm_global")
@dataclass(frozen=True)
class GradNormGlobal(Proxy):
    """sqrt(sum ||dL/dp||_2^2) over every live parameter p: weights, biases and normalisation, for one batch.

    The formula of compute_gradnorm_score.py in ZenNAS and AZ-NAS, which later papers report as "grad_norm"; that of
    zero-cost-nas is the proxy grad_norm. Their images are N(0,1) with random labels, and their weights N(0,1) in ZenNAS
    and Kaiming-normal in AZ-NAS: inputs=noise with protocol.init=normal or protocol.init=kaiming_normal. By default,
    the batch and initialisation of the protocol and the loss of the data set are used.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2102.01063"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, gradients: ParameterGradients) -> float:
        """Higher is better."""
        return math.sqrt(total(gradient.norm().double() ** 2 for gradient in gradients.parameters.values()))
