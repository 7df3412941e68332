"""Evidence from activations: ReLU codes, channel saliencies and output shapes."""

from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from harness.evidence.base import EVIDENCE
from harness.evidence.gradients import at_least_float32
from harness.evidence.task import Gradients, TaskEvidence


@EVIDENCE.register("relu_codes")
class ReluCodes(TaskEvidence):
    """The activation patterns of live ReLUs on the first batch.

    `codes` has one boolean matrix [batch, units] for each distinct tensor that a ReLU reads, `n_relus` the number of
    ReLUs that read it.
    """

    n_batches: ClassVar[int | None] = 1

    def __init__(self) -> None:
        self.codes: list[Tensor] = []
        self.n_relus: list[int] = []
        self._read: list[Tensor] = []  # kept until the end of the pass, so that equal ids mean the same tensor

    @property
    def readers(self) -> list[int]:
        """Former name of `n_relus`; will be removed in the next release."""
        return self.n_relus

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """See `TaskEvidence`."""
        return [
            module.register_forward_pre_hook(self._see) for module in network.modules() if isinstance(module, nn.ReLU)
        ]

    def _see(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        (features,) = inputs
        self.n_relus[self._place(features)] += 1

    def _place(self, features: Tensor) -> int:
        """The index of a tensor among those that were read."""
        for position, known in enumerate(self._read):
            if known is features:
                return position
        self._read.append(features)
        self.n_relus.append(0)
        self.codes.append((features.detach() > 0).flatten(1))
        return len(self._read) - 1

    def add(self, gradients: Gradients) -> None:
        """See `TaskEvidence`."""
        self._read.clear()


@EVIDENCE.register("named_relu_codes")
class NamedReluCodes(ReluCodes):
    """`ReluCodes` of every module with 'ReLU' in its class name, including LeakyReLU, as in published code.

    `n_relus` counts PyTorch's own modules; `official_n_relus` also those with such a name in the benchmark's official
    code (`official_class`): ReLUConvBN, whose ReLU reads the same tensor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.official_n_relus: list[int] = []

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """See `TaskEvidence`."""
        handles = [
            module.register_forward_pre_hook(self._see)
            for module in network.modules()
            if "ReLU" in type(module).__name__
        ]
        return handles + [
            module.register_forward_pre_hook(self._see_official)
            for module in network.modules()
            if "ReLU" in getattr(module, "official_class", type(module).__name__)
        ]

    def _see_official(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        (features,) = inputs
        position = self._place(features)
        self.official_n_relus += [0] * (len(self.n_relus) - len(self.official_n_relus))
        self.official_n_relus[position] += 1


@EVIDENCE.register("channel_sensitivities")
class ChannelSensitivities(TaskEvidence):
    """The saliency of each output channel of each live convolution and linear layer for the loss of the first batch.

    `layers` maps the layer's name to [n_channels]: half the mean over images of the square of sum(a * dL/da), the sum
    over the channel's pixels; at least float32. For a layer that runs several times, the sum over its runs.
    `weights_per_channel` maps the same names to the number of weights per channel.
    """

    n_batches: ClassVar[int | None] = 1
    needs_gradients: ClassVar[bool] = True

    def __init__(self) -> None:
        self.layers: dict[str, Tensor] = {}
        self.weights_per_channel: dict[str, int] = {}
        self._on_tensors: list[RemovableHandle] = []

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """See `TaskEvidence`."""
        handles = []
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                handles.append(module.register_forward_hook(partial(self._see, name)))
        return handles

    def _see(self, name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        weight = module.weight
        assert isinstance(weight, Tensor)  # of a convolution or a linear layer
        self.weights_per_channel[name] = weight[0].numel()
        weigh = partial(self._weigh, name, output.detach())
        self._on_tensors.append(output.register_hook(weigh))  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def _weigh(self, name: str, output: Tensor, gradient: Tensor) -> None:
        products = at_least_float32(output) * at_least_float32(gradient)
        found = products.reshape(*output.shape[:2], -1).sum(dim=2).square().mean(dim=0) / 2
        self.layers[name] = self.layers[name] + found if name in self.layers else found

    def add(self, gradients: Gradients) -> None:
        """See `TaskEvidence`."""
        for handle in self._on_tensors:
            handle.remove()
        self._on_tensors.clear()


@EVIDENCE.register("output_sizes")
class OutputSizes(TaskEvidence):
    """The output shapes of live convolutions and linear layers for one image.

    `channels` and `pixels` map the layer's name to the number of channels and to height times width, 1 for a linear
    layer.
    """

    n_batches: ClassVar[int | None] = 1

    def __init__(self) -> None:
        self.channels: dict[str, int] = {}
        self.pixels: dict[str, int] = {}

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """See `TaskEvidence`."""
        return [
            module.register_forward_hook(partial(self._see, name))
            for name, module in network.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear)
        ]

    def _see(self, name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.channels[name] = output.shape[1]
        self.pixels[name] = output.shape[2:].numel()

    def add(self, gradients: Gradients) -> None:
        """Does nothing; see `TaskEvidence`."""
