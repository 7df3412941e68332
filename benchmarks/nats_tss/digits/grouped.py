"""Several networks of one cell trained as one: grouped convolutions over channels-last tensors.

At this width a step is all overhead; three seeds at once cost about as much as one. Channels are laid out
[seed, channel], parameters of all networks lie in one flat vector, so that an optimiser step is four operations.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.cell_graph import SKIP, live_edges
from benchmarks.edge_cells import Cell
from benchmarks.nats_tss.network import N_STAGES
from benchmarks.nats_tss.space import AVG_POOL, EDGES

_NORM_MOMENTUM = 0.1  # PyTorch's default for running statistics
_NORM_EPSILON = 1e-5


class GroupedNetwork:
    """The function that `networks`, plain networks of one cell, compute side by side on batches of their own.

    `flat` float32 [n_parameters of all networks] starts as a copy of the networks' live parameters; parameters of dead
    edges, which never change, are left out. `shapes` gives each parameter's [network, *shape in the plain network],
    `running` the recorded (means, variances) of each normalisation, [network * channels].
    """

    def __init__(self, cell: Cell, cells_per_stage: int, networks: Sequence[nn.Module]) -> None:
        live = live_edges(cell, EDGES)
        self._edges = [(index, *EDGES[index], cell[index]) for index in sorted(live)]
        self._cells_per_stage = cells_per_stage
        stacked = {
            name: torch.stack([network.get_parameter(name).detach() for network in networks])
            for name, _ in networks[0].named_parameters()
            if not _is_dead(name, live)
        }
        self.shapes = {name: values.shape for name, values in stacked.items()}
        self._sizes = [values.numel() for values in stacked.values()]
        self.flat = torch.cat([values.flatten() for values in stacked.values()])
        self.running: dict[str, tuple[Tensor, Tensor]] = {}
        for name, module in networks[0].named_modules():
            if isinstance(module, nn.BatchNorm2d):
                n_channels = len(networks) * module.num_features
                self.running[name] = torch.zeros(n_channels), torch.ones(n_channels)

    def parameters(self, flat: Tensor) -> dict[str, Tensor]:
        """`flat` cut into the tensors that it holds: name in the plain network to [network, *shape there]."""
        return {name: piece.view(self.shapes[name]) for name, piece in self._pieces(flat).items()}

    def logits(self, flat: Tensor, images: Tensor, *, training: bool) -> Tensor:
        """Logits [network, batch, n_classes] of images [batch, network, height, width] with the parameters `flat`.

        In training, normalisation uses and records the batch's statistics; otherwise it uses the recorded ones.
        """
        forward = _Forward(self, self._pieces(flat), training)
        features = images.contiguous(memory_format=torch.channels_last)
        features = forward.norm(forward.conv(features, "stem.0"), "stem.1")
        block = 0
        for stage in range(N_STAGES):
            if stage:
                features = _reduction(forward, features, f"blocks.{block}")
                block += 1
            for _ in range(self._cells_per_stage):
                features = self._cell(forward, features, f"blocks.{block}")
                block += 1
        features = F.relu(forward.norm(features, "last.0")).mean(dim=(2, 3))
        return forward.linear(features, "classifier")

    def _pieces(self, flat: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.shapes, torch.split(flat, self._sizes), strict=True))

    def _cell(self, forward: "_Forward", features: Tensor, block: str) -> Tensor:
        nodes: dict[int, Tensor] = {0: features}
        activated: dict[int, Tensor] = {}  # one ReLU for all convolutions of a node
        for index, source, target, operation in self._edges:
            value = nodes[source]
            if operation == AVG_POOL:
                value = _average_3x3(value)
            elif operation != SKIP:
                if source not in activated:
                    activated[source] = F.relu(value)
                value = forward.conv_norm(activated[source], f"{block}.edges.{index}")
            nodes[target] = nodes[target] + value if target in nodes else value
        last = max(target for _, target in EDGES)
        return nodes[last] if last in nodes else torch.zeros_like(features)


class _Forward:
    """Layers of one pass, looked up by their name in the plain network; `pieces` are its flat parameters."""

    def __init__(self, network: GroupedNetwork, pieces: Mapping[str, Tensor], training: bool) -> None:
        self._network = network
        self._pieces = pieces
        self._training = training

    def conv(self, features: Tensor, name: str, stride: int = 1) -> Tensor:
        n_networks, n_out, *rest = self._network.shapes[f"{name}.weight"]
        weight = self._pieces[f"{name}.weight"].view(n_networks * n_out, *rest)
        return F.conv2d(features, weight, stride=stride, padding=rest[-1] // 2, groups=n_networks)

    def norm(self, features: Tensor, name: str) -> Tensor:
        mean, variance = self._network.running[name]
        weight, bias = self._pieces[f"{name}.weight"], self._pieces[f"{name}.bias"]
        return F.batch_norm(features, mean, variance, weight, bias, self._training, _NORM_MOMENTUM, _NORM_EPSILON)

    def conv_norm(self, features: Tensor, name: str, stride: int = 1) -> Tensor:
        return self.norm(self.conv(features, f"{name}.conv", stride), f"{name}.norm")

    def linear(self, features: Tensor, name: str) -> Tensor:
        """[batch, network * in] to [network, batch, out]."""
        shape = self._network.shapes[f"{name}.weight"]
        weight, bias = self._pieces[f"{name}.weight"].view(shape), self._pieces[f"{name}.bias"].view(shape[0], 1, -1)
        return torch.baddbmm(bias, features.view(len(features), shape[0], -1).transpose(0, 1), weight.transpose(1, 2))


def _reduction(forward: _Forward, features: Tensor, block: str) -> Tensor:
    halved = forward.conv_norm(F.relu(features), f"{block}.first", stride=2)
    residual = forward.conv_norm(F.relu(halved), f"{block}.second")
    return forward.conv(F.avg_pool2d(features, 2), f"{block}.shortcut.1") + residual


def _average_3x3(features: Tensor) -> Tensor:
    """3x3 average pooling, stride 1, padding not counted: a matrix product, ten times faster than the layer here."""
    batch, channels, height, width = features.shape
    flat = features.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    pooled = torch.matmul(_averaging_matrix(height, width), flat)
    return pooled.view(batch, height, width, channels).permute(0, 3, 1, 2)


@cache
def _averaging_matrix(height: int, width: int) -> Tensor:
    """[pixel out, pixel in]: the pooling of each unit image, transposed."""
    units = torch.eye(height * width).view(height * width, 1, height, width)
    return F.avg_pool2d(units, 3, stride=1, padding=1, count_include_pad=False).flatten(1).t().contiguous()


def _is_dead(name: str, live: Iterable[int]) -> bool:
    """Whether a parameter belongs to an edge on no path: `blocks.<block>.edges.<edge>...`."""
    parts = name.split(".")
    return len(parts) > 3 and parts[2] == "edges" and int(parts[3]) not in live
