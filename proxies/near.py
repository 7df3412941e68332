"""NEAR: effective ranks of layers' outputs. Husistein, Reiher and Eckhoff, ICLR 2025, arXiv:2408.08776."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.evidence import LayerFeatures
from harness.evidence.layer_features import as_rows
from harness.proxy import PROXIES, Proxy, Sees, Undefined, require_positive


@PROXIES.register("near")
@dataclass(frozen=True)
class Near(Proxy):
    """Sum over layers of the effective rank of their outputs: exp of the entropy of singular values that sum to 1.

    A layer is a module with a `weight` (normalisation included) or an activation. Its output is a matrix of positions
    and channels, from which as many positions are drawn at random as there are channels; batches are added
    until there are enough. Forward passes only, no labels; mean over `n_repeats` draws of the weights: 32
    in the paper according to a third party's note, 1 in the authors' function.

    as_coded=True draws as the authors' code (ReiherGroup/NEAR) does: a block of neighbouring positions, mostly of one
    image, that begins at a random row of pixels and is cut off at the end of the matrix, so that it may have
    fewer rows, and less rank, than there are channels. Their weights are drawn by each module's own default from
    the second repeat on, here by the protocol; a layer without a finite rank counts 0 there and here.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2408.08776"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 64
    n_repeats: int = 1
    as_coded: bool = False

    def __post_init__(self) -> None:
        require_positive(self, "n_images", "n_repeats")

    def measure(self, features: LayerFeatures) -> float:
        """Higher is better; at least 0."""
        totals = [self._total(features, repeat) for repeat in range(self.n_repeats)]
        return sum(totals) / len(totals)

    def _total(self, features: LayerFeatures, repeat: int) -> float:
        network = features.network(draw=repeat)
        kept: dict[nn.Module, Tensor] = {}
        full: dict[nn.Module, Tensor] = {}

        def see(layer: nn.Module, output: Tensor) -> None:
            if layer in full:
                return
            # The authors' order of positions is by columns of pixels.
            new = as_rows(output.transpose(2, 3) if self.as_coded and output.dim() == 4 else output)
            rows = torch.cat([kept[layer], new]) if layer in kept else new
            if len(rows) < rows.shape[1]:
                kept[layer] = rows
                return
            rng = features.generator("positions", repeat, len(full))
            if self.as_coded:
                full[layer] = _block(rows, output.shape[-1], rng)
            else:
                full[layer] = rows[torch.randperm(len(rows), generator=rng)[: rows.shape[1]].to(rows.device)]
            kept.pop(layer, None)

        for images in features.chunks(self.n_images):
            features.read(network, images, see)
            if not kept:
                break
        found = [_effective_rank(rows) for rows in [*full.values(), *kept.values()]]
        if not found:
            raise Undefined("no layer of the network is a module with weights or an activation")
        return float(torch.stack(found).sum())


def _block(rows: Tensor, width: int, rng: torch.Generator) -> Tensor:
    """Neighbouring rows, as many as channels or up to the end, from a random multiple of `width` on."""
    n_starts = len(rows) // width - 1
    start = int(torch.randint(n_starts, (1,), generator=rng)) * width if n_starts > 0 else 0
    return rows[start : start + rows.shape[1]]


def _effective_rank(rows: Tensor) -> Tensor:
    values = torch.linalg.svdvals(rows.double())
    total = values.sum()
    if not (bool(torch.isfinite(total)) and total > 0):
        return torch.zeros_like(total)
    return torch.exp(torch.special.entr(values / total).sum())
