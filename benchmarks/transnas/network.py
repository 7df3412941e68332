"""The networks of TransNAS-Bench-101: one backbone, seven decoders. arXiv:2105.11871, Section 3."""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from benchmarks.nats_blocks import ActConvNorm
from benchmarks.transnas.decoders import decoder
from benchmarks.transnas.skeleton import BASE_CHANNELS, Skeleton, n_tiles
from harness.inputs import DataSet
from harness.space.initialise import Initialisation

Origin = Callable[[str], str]
"""From a module's name to the text that determines its draw."""


class TaskNetwork(nn.Module):
    """Stem, cells, and the decoder of the task; the tiles of a jigsaw puzzle pass through the backbone in turn.

    Input [batch, *data_set.shape], output [batch, n_outputs] or, for tasks whose target is an image,
    [batch, n_outputs, height, width]. `origin` names each module's draw; see `SearchSpace.assemble`.
    """

    def __init__(self, skeleton: Skeleton, data_set: DataSet, cells: Sequence[nn.Module], origin: Origin) -> None:
        super().__init__()
        half = BASE_CHANNELS // 2
        self.backbone = nn.Sequential(
            nn.Conv2d(3, half, 3, 2, padding=1, bias=False),
            nn.BatchNorm2d(half),
            ActConvNorm(half, BASE_CHANNELS, 3, stride=2),
            *cells,
        )
        self.decoder = decoder(skeleton, data_set)
        self._n_tiles = n_tiles(data_set)
        self.cells = tuple(f"backbone.{place}" for place in range(N_BEFORE_CELLS - 1, len(self.backbone)))
        self.init_keys = {name: origin(name) for name, _ in self.named_modules()}
        # The official code initialises the backbone's convolutions in this way, and decoders by PyTorch's default.
        self.own_init = {
            f"backbone.{name}": Initialisation.kaiming_normal_fan_out
            for name, module in self.backbone.named_modules()
            if isinstance(module, nn.Conv2d)
        }

    def forward(self, images: Tensor) -> Tensor:
        # One tile at a time, as in the official code: batch statistics are per tile position.
        features = [self.backbone(tile) for tile in images.chunk(self._n_tiles, dim=1)]
        return cast(Tensor, self.decoder(torch.cat(features, dim=1)))


N_BEFORE_CELLS = 3
"""How many members of `TaskNetwork.backbone` come before the cells: a cell's place in it less this is its number."""
