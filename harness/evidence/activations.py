"""Evidence from activations: ReLU codes, channel saliencies and output shapes."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from torch.utils.weak import TensorWeakRef

from harness.evidence.base import EVIDENCE
from harness.evidence.coverage import Coverage, share
from harness.evidence.elementwise import ElementwiseReader, by_sample
from harness.evidence.gradients import at_least_float32
from harness.evidence.task import Gradients, TaskEvidence
from harness.space.own_network import OwnNetwork

CHANNEL_LAYERS = (nn.modules.conv._ConvNd, nn.Linear, nn.Embedding)
"""The modules of a network of the user's own whose outputs have channels."""


@EVIDENCE.register("relu_codes")
class ReluCodes(TaskEvidence):
    """The activation patterns of live ReLUs on the first batch.

    `codes` has one boolean matrix [batch, units] for each distinct tensor that a ReLU reads, `n_relus` the number of
    ReLUs that read it.

    Of a network of the user's own: every elementwise activation that runs, smooth ones included, whose code is the sign
    of the pre-activation; see `harness.evidence.elementwise`. Undefined without any.
    """

    n_batches: ClassVar[int | None] = 1

    def __init__(self) -> None:
        self.codes: list[Tensor] = []
        self.n_relus: list[int] = []
        self._read: list[TensorWeakRef] = []  # weak: what ReLUs read is often needed by nothing else in the pass
        self._reader: ElementwiseReader | None = None

    @property
    def readers(self) -> list[int]:
        """Former name of `n_relus`; will be removed in the next release."""
        return self.n_relus

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """See `TaskEvidence`."""
        if isinstance(network, OwnNetwork):
            return []
        return [
            module.register_forward_pre_hook(self._see) for module in network.modules() if isinstance(module, nn.ReLU)
        ]

    def watch(self, n_samples: int) -> AbstractContextManager[object]:
        """See `TaskEvidence`."""
        self._reader = ElementwiseReader(n_samples, self._see_units)
        return self._reader

    def _see_units(self, units: Tensor) -> None:
        self.n_relus.append(1)
        self.codes.append(units > 0)

    def _see(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        (features,) = inputs
        self.n_relus[self._place(features)] += 1

    def _place(self, features: Tensor) -> int:
        """The index of a tensor among those that were read."""
        for position, known in enumerate(self._read):
            if known() is features:
                return position
        self._read.append(TensorWeakRef(features))
        self.n_relus.append(0)
        self.codes.append((features.detach() > 0).flatten(1))
        return len(self._read) - 1

    def add(self, gradients: Gradients) -> None:
        """See `TaskEvidence`."""
        self._read.clear()
        if self._reader is not None:
            self._conclude(self._reader)
            self._reader = None

    def _conclude(self, reader: ElementwiseReader) -> None:
        """State the coverage of a network of the user's own."""
        self.coverage = Coverage(activations=share(reader.n_read, reader.n_read + reader.n_unread))
        if not reader.n_read:
            self.reason = "the network runs no elementwise activation"


@EVIDENCE.register("named_relu_codes")
class NamedReluCodes(ReluCodes):
    """`ReluCodes` of every module with 'ReLU' in its class name, including LeakyReLU, as in published code.

    Of a network of the user's own the same, as the published code finds ReLUs: the coverage says how many of the units
    of all activations these are, and without any such module it is undefined.

    `n_relus` counts PyTorch's own modules; `official_n_relus` also those with such a name in the benchmark's official
    code (`official_class`): ReLUConvBN, whose ReLU reads the same tensor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.official_n_relus: list[int] = []

    def _see_units(self, units: Tensor) -> None:
        """Does nothing: modules are read by their names."""

    def _conclude(self, reader: ElementwiseReader) -> None:
        n_seen = sum(codes.shape[1] for codes in self.codes)
        self.coverage = Coverage(activations=min(1.0, share(n_seen, reader.n_read + reader.n_unread)))
        if not n_seen:
            self.reason = "no module has ReLU in its class's name, and the published code looks for no others"

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

    Of a network of the user's own: the modules that are convolutions of any kind, linear layers or embeddings; channels
    are the second axis of a convolution's output and the last one of the others, and the sum is over all positions.
    Weights that no such module applies, as those packed in an attention, lower the coverage.
    """

    n_batches: ClassVar[int | None] = 1
    needs_gradients: ClassVar[bool] = True

    def __init__(self) -> None:
        self.layers: dict[str, Tensor] = {}
        self.weights_per_channel: dict[str, int] = {}
        self._on_tensors: list[RemovableHandle] = []
        self._n = 0

    def watch(self, n_samples: int) -> AbstractContextManager[object]:
        """See `TaskEvidence`."""
        self._n = n_samples
        return nullcontext()

    def cover(self, seen: Mapping[str, int], n_frozen: int) -> None:
        """See `TaskEvidence`."""
        n_weights = sum(seen.values()) + n_frozen
        self.coverage = Coverage(weights=share(sum(seen[name] for name in self.layers if name in seen), n_weights))
        if not self.layers:
            self.reason = "no convolution, linear layer or embedding is a module of its own that the loss depends on"

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """See `TaskEvidence`."""
        if isinstance(network, OwnNetwork):
            return [
                module.register_forward_hook(partial(self._see_own, name or "weight"))
                for name, module in network.body.named_modules()
                if isinstance(module, CHANNEL_LAYERS)
            ]
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

    def _see_own(self, name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        weight = module.weight
        if not (isinstance(output, Tensor) and isinstance(weight, Tensor) and output.requires_grad):
            return
        channels_last = not isinstance(module, nn.modules.conv._ConvNd)
        n_channels = output.shape[-1 if channels_last else 1]
        self.weights_per_channel[name] = max(1, weight.numel() // n_channels)
        weigh = partial(self._weigh_own, name, output.detach(), channels_last)
        self._on_tensors.append(output.register_hook(weigh))  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def _weigh_own(self, name: str, output: Tensor, channels_last: bool, gradient: Tensor) -> None:
        products = at_least_float32(output) * at_least_float32(gradient)
        if channels_last:
            units = by_sample(products, self._n)
            if units is None:
                return
            sums = units.reshape(self._n, -1, output.shape[-1]).sum(dim=1)
        else:
            sums = products.reshape(*output.shape[:2], -1).sum(dim=2)
        found = sums.square().mean(dim=0) / 2
        self.layers[name] = self.layers[name] + found if name in self.layers else found

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

    Of a network of the user's own: its convolutions of any kind, linear layers and embeddings; a position of a sequence
    is a pixel. Weights that no such module applies are not here.
    """

    n_batches: ClassVar[int | None] = 1

    def __init__(self) -> None:
        self.channels: dict[str, int] = {}
        self.pixels: dict[str, int] = {}
        self._weights: dict[str, int] = {}

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """See `TaskEvidence`."""
        if isinstance(network, OwnNetwork):
            self._weights = {name: weight.numel() for name, weight in network.weights.items()}
            return [
                module.register_forward_hook(partial(self._see_own, name or "weight"))
                for name, module in network.body.named_modules()
                if isinstance(module, CHANNEL_LAYERS)
            ]
        return [
            module.register_forward_hook(partial(self._see, name))
            for name, module in network.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear)
        ]

    def _see_own(self, name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(output, Tensor):
            channel = 1 if isinstance(module, nn.modules.conv._ConvNd) else output.dim() - 1
            self.channels[name] = output.shape[channel]
            self.pixels[name] = output[0].numel() // output.shape[channel]

    def _see(self, name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.channels[name] = output.shape[1]
        self.pixels[name] = output.shape[2:].numel()

    def add(self, gradients: Gradients) -> None:
        """States the coverage of a network of the user's own; see `TaskEvidence`."""
        if self._weights:
            seen = sum(n for name, n in self._weights.items() if name in self.pixels)
            self.coverage = Coverage(weights=share(seen, sum(self._weights.values())))
