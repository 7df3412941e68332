"""MeCo_opt: `meco` of eight random channels. Jiang et al., NeurIPS 2023, neurips.cc/virtual/2023/poster/72017."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.evidence import ChannelCorrelations
from harness.proxy import PROXIES, Proxy, Sees, require_positive


@PROXIES.register("meco_opt")
@dataclass(frozen=True)
class MeCoOpt(Proxy):
    """Sum over modules of n / m times the smallest eigenvalue of the correlations between m of the n channels.

    Channels are drawn for each module, as in the authors' code, which uses an unseeded generator and fails on
    outputs with fewer than m channels; here all channels of those are used. Otherwise as `meco`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "neurips.cc/virtual/2023/poster/72017"
    sees: ClassVar[Sees] = Sees.ALL

    size: int = 64
    containers: bool = True
    n_channels: int = 8

    def __post_init__(self) -> None:
        require_positive(self, "size", "n_channels")

    def measure(self, channels: ChannelCorrelations) -> float:
        """Higher is better."""
        total = torch.zeros((), dtype=torch.float64, device=channels.device)
        for place, output in enumerate(channels.outputs(self.size)):
            n_all = len(output.correlation)
            n_drawn = min(self.n_channels, n_all)
            for module in range(output.n_modules if self.containers else output.n_leaves):
                order = torch.randperm(n_all, generator=channels.generator("channels", place, module))[:n_drawn]
                drawn = order.to(output.correlation.device)
                least = torch.linalg.eigvalsh(output.correlation[drawn][:, drawn])[0]
                total += least * n_all / n_drawn
        return total.item()
