"""MeCo: least eigenvalues of channel correlations. Jiang et al., NeurIPS 2023, neurips.cc/virtual/2023/poster/72017."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.evidence import ChannelCorrelations
from harness.proxy import PROXIES, Proxy, Sees, require_positive


@PROXIES.register("meco")
@dataclass(frozen=True)
class MeCo(Proxy):
    """Sum over modules of the smallest eigenvalue of the Pearson correlations between the channels of its output.

    One N(0,1) image of `size` x `size` pixels, no labels, normalisation by the image's own statistics. As in the
    authors' code, correlations with a constant channel are 0, dead modules count, and so do containers: an output that
    a container returns unchanged counts once for each nesting level. The value therefore depends on how the network's
    code is nested; containers=False counts leaf modules only.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "neurips.cc/virtual/2023/poster/72017"
    sees: ClassVar[Sees] = Sees.ALL

    size: int = 64
    containers: bool = True

    def __post_init__(self) -> None:
        require_positive(self, "size")

    def measure(self, channels: ChannelCorrelations) -> float:
        """Higher is better."""
        found = [
            (torch.linalg.eigvalsh(output.correlation)[0], output.n_modules if self.containers else output.n_leaves)
            for output in channels.outputs(self.size)
        ]
        return float(sum(least * times for least, times in found))
