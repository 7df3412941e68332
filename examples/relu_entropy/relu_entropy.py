"""ReLU entropy: how evenly images are divided by each unit. An example of a plug-in; there is no paper."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.evidence import ReluCodes
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("relu_entropy")
@dataclass(frozen=True)
class ReluEntropy(Proxy):
    """Sum over live ReLUs of the entropy, in bits, of "lets the image through", to a power, mean over the units.

    A unit that is on for half of the images of a batch has 1 bit; one that is on for all or none of them has 0.
    """

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE

    power: float = 1.0

    def measure(self, relus: ReluCodes) -> float:
        """Higher is better; at least 0."""
        total = 0.0
        for codes, n_relus in zip(relus.codes, relus.n_relus, strict=True):
            share = codes.double().mean(dim=0)
            bits = (torch.special.entr(share) + torch.special.entr(1 - share)) / torch.log(torch.tensor(2.0))
            total += n_relus * float(bits.pow(self.power).mean())
        return total
