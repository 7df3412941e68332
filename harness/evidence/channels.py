"""Correlations between the channels of every module's output, for one Gaussian image. Jiang et al., NeurIPS 2023."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.errors import PlugInError
from harness.evidence.base import EVIDENCE, Undefined
from harness.evidence.coverage import Coverage, share
from harness.evidence.private import PrivateNetwork, hooked, run
from harness.space.own_network import OwnNetwork, body_of


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
    """Correlations between the channels of each output, for one N(0,1) image normalised by its own statistics.

    Of a network of the user's own only outputs that are feature maps [1, channels, height, width] (or with more axes):
    which axis of a sequence are its channels cannot be known. The coverage is the share of the modules' outputs that
    these are. Undefined without any, and for a network that does not run on images of `size` x `size` pixels.
    """

    shared_pass: ClassVar[str] = "channel correlations"

    def outputs(self, size: int) -> list[OutputCorrelation]:
        """One per distinct output, in the order of the forward pass, for an image of `size` x `size` pixels.

        Raises:
            Undefined: if a normalisation would compute its statistics from a single pixel.
        """
        return self.once(size, lambda: self._compute(size))

    @torch.no_grad()
    def _compute(self, size: int) -> list[OutputCorrelation]:
        network = self.network()
        givers: dict[int, list[nn.Module]] = {}
        tensors: dict[int, Tensor] = {}  # kept until the end, so that ids are unique

        n_all = n_maps = 0
        is_own = isinstance(network, OwnNetwork)

        def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            nonlocal n_all, n_maps
            if is_own:
                if not (isinstance(output, Tensor) and output.is_floating_point() and output.dim()):
                    return
                is_map = output.dim() > 3 and len(output) == 1
                if not list(module.children()):
                    n_all += output.numel()
                    n_maps += output.numel() * is_map
                if not is_map:
                    return
            tensors[id(output)] = output
            givers.setdefault(id(output), []).append(module)

        images = self.noise(1, size)
        with hooked(list(body_of(network).modules()), see):
            if is_own and size not in self._subject.context.data_set.shape[1:]:
                _run_on_other_size(network, images, size)
            else:
                run(network, images)
        if is_own:
            self.coverage = Coverage(activations=share(n_maps, n_all))
            if not tensors:
                raise Undefined("no module returns feature maps [1, channels, height, width]")
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


def _run_on_other_size(network: nn.Module, images: Tensor, size: int) -> None:
    """Run a network on images of another size than those of the data set.

    Raises:
        Undefined: if it does not run on them.
    """
    try:
        run(network, images)
    except PlugInError as error:
        raise Undefined(f"the network does not run on an image of {size} x {size} pixels: {error}") from error
