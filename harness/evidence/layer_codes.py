"""Codes of the outputs of layers: which images a layer tells apart, and into how many patterns its units fall."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from harness.evidence.base import EVIDENCE
from harness.evidence.coverage import Coverage, share
from harness.evidence.elementwise import by_sample
from harness.evidence.private import PrivateNetworkAndImages, hooked, run
from harness.space.own_network import OwnNetwork, body_of

_LAYERS = (nn.modules.conv._ConvNd, nn.Linear)


@dataclass(frozen=True)
class LayerCode:
    """Of one run of a layer: log|det| of the agreement of images, and the number of its units' distinct patterns.

    The agreement of two images is the number of units at which the outputs of both, or of neither, are above 0. The
    logarithm is -inf where two images agree throughout.
    """

    name: str
    log_determinant: float
    n_patterns: int


@EVIDENCE.register("layer_codes")
class LayerCodes(PrivateNetworkAndImages):
    """The signs of the outputs of convolutions and linear layers on the protocol's images, in the order of the runs.

    Of a network of the user's own the layers that are modules; the coverage is that of their weights.

    Memory: the output of one layer at a time, in float32.
    """

    shared_pass: ClassVar[str] = "layer codes"

    def layers(self, n_images: int, *, training: bool) -> list[LayerCode]:
        """The codes of the first images; `training`: normalisation uses batch statistics."""
        return self.once((n_images, training), lambda: self._compute(n_images, training))

    @torch.no_grad()
    def _compute(self, n_images: int, training: bool) -> list[LayerCode]:
        network, images = self.network(training=training, execute="live"), self.images(n_images)
        body = body_of(network)
        names = {module: name for name, module in body.named_modules() if isinstance(module, _LAYERS)}
        found: list[LayerCode] = []
        seen: set[nn.Module] = set()
        by_module: dict[nn.Module, str] = dict(names.items())

        def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            units = by_sample(output.detach(), len(images))
            if units is not None:
                seen.add(module)
                found.append(LayerCode(by_module[module], *_code(units > 0)))

        with hooked(list(names), see):
            run(network, images)
        if isinstance(network, OwnNetwork):
            called = {name for module, name in names.items() if module in seen}
            n_seen = sum(weight.numel() for name, weight in network.weights.items() if name in called)
            self.coverage = Coverage(weights=share(n_seen, sum(one.numel() for one in network.weights.values())))
        return found


def _code(active: Tensor) -> tuple[float, int]:
    """The two numbers of boolean codes [n_images, n_units]."""
    signs = active.float() * 2 - 1
    # The number of equal minus different units; exact in float32 below 2**24 units.
    agreement = ((signs @ signs.T).double() + active.shape[1]) / 2
    packed = np.packbits(active.T.cpu().numpy(), axis=1)
    return float(np.linalg.slogdet(agreement.cpu().numpy())[1]), len({row.tobytes() for row in packed})
