"""Correlations between the channels of every module's output, for one Gaussian image. Jiang et al., NeurIPS 2023."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.evidence.base import EVIDENCE, Subject
from harness.evidence.private import PrivateNetwork, hooked, run


@dataclass(frozen=True, eq=False)
class OutputCorrelation:
    """Pearson correlations [channels, channels] over the pixels of one output; 0 for constant channels.

    `n_modules` modules returned this tensor, `n_leaves` of them leaf modules.
    """

    correlation: Tensor
    n_modules: int
    n_leaves: int


@EVIDENCE.register("channel_correlations")
class ChannelCorrelations(PrivateNetwork):
    """Correlations between the channels of each output, for one N(0,1) image normalised by its own statistics."""

    shared_pass: ClassVar[str] = "channel correlations"

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._found: dict[int, list[OutputCorrelation]] = {}

    def outputs(self, size: int) -> list[OutputCorrelation]:
        """One per distinct output, in the order of the forward pass, for an image of `size` x `size` pixels.

        Raises:
            Undefined: if a normalisation would compute its statistics from a single pixel.
        """
        if size not in self._found:
            with self._shared():
                self._found[size] = self._compute(size)
        return self._found[size]

    @torch.no_grad()
    def _compute(self, size: int) -> list[OutputCorrelation]:
        network = self.network()
        givers: dict[int, list[nn.Module]] = {}
        tensors: dict[int, Tensor] = {}  # kept until the end, so that ids are unique

        def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            tensors[id(output)] = output
            givers.setdefault(id(output), []).append(module)

        with hooked(list(network.modules()), see):
            run(network, self.noise(1, size))
        return [
            OutputCorrelation(
                correlations(output[0]), len(givers[key]), sum(not list(module.children()) for module in givers[key])
            )
            for key, output in tensors.items()
        ]


def correlations(features: Tensor) -> Tensor:
    """Pearson correlations [channels, channels] of [channels, ...]; 0 where undefined."""
    flat = features.reshape(len(features), -1)
    flat = flat.to(torch.promote_types(flat.dtype, torch.float32))
    if flat.shape[1] < 2:
        return flat.new_zeros(len(flat), len(flat))
    found = torch.corrcoef(flat).reshape(len(flat), len(flat))
    return torch.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)
