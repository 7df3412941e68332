"""Per-image gradients for a whole batch in one forward and one backward pass.

The backward pass stops at the outputs of the layers. A layer's weight gradient for one image is then a product of that
image's inputs and output gradients; for a convolution, those of a batch are the weight gradient of one grouped
convolution with the groups of each image. The result is exact, and never stored for the whole network at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import thread_time
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from harness.evidence.base import EVIDENCE, Evidence, Subject, Undefined
from harness.evidence.coverage import Coverage, share
from harness.evidence.private import hooked, run
from harness.evidence.task import fitted_loss
from harness.space import ModelSpace
from harness.space.own_network import OwnNetwork

WeightLayer = nn.Conv2d | nn.Linear
Loss = Callable[[Tensor], Tensor]

_MICRO_BATCH = 32
_MOST_ENTRIES = 2**24  # elements of gradients stored at once: 64 MiB in float32


@dataclass(frozen=True, eq=False)
class LayerCall:
    """The input of one call of a layer, and the gradient of its output; both [n_images, ...]."""

    inputs: Tensor
    output_gradient: Tensor


@dataclass(frozen=True, eq=False)
class GradientSums:
    """Sums over images of the gradients of one layer's weights and of their signs, both [n_weights]."""

    gradients: Tensor
    signs: Tensor

    def __add__(self, other: Self) -> "GradientSums":
        """Both sums over the images."""
        return GradientSums(self.gradients + other.gradients, self.signs + other.signs)


@EVIDENCE.register("per_image_gradients")
class PerImageGradients(Evidence):
    """Per-image loss gradients of the weights of convolutions and linear layers, over the first batch.

    Each image is a batch of its own: in train mode, normalisation uses the statistics of that image. `layers` maps the
    name of each live layer to its sums over `n_images`; dead layers, whose sums are zero, are not executed.

    Of a network of the user's own all weights that are trained and that the loss depends on, in one pass per image.
    """

    shared_pass: ClassVar[str] = "per-image gradients"
    shares_network: ClassVar[bool] = False

    def __init__(self) -> None:
        self.n_images = 0
        self.layers: dict[str, GradientSums] = {}

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> list[Self]:
        """See `Evidence`.

        Raises:
            Undefined: if a normalisation would compute its statistics from a single pixel.
        """
        started = thread_time()
        context = subject.context
        if isinstance(context.space, ModelSpace):
            own = cls._of_own(subject)
            own.seconds = thread_time() - started
            return [own] * len(kinds)
        network = separated(subject.build(init=context.protocol.init, seed=context.seed, execute="live"))
        layers = {name: module for name, module in network.named_modules() if isinstance(module, WeightLayer)}
        batch = context.batches[0].to(context.device)
        found = cls()
        for start in range(0, len(batch.images), _MICRO_BATCH):
            images = batch.images[start : start + _MICRO_BATCH].to(context.protocol.dtype.dtype)
            targets = batch.targets[start : start + _MICRO_BATCH]

            def loss(outputs: Tensor, targets: Tensor = targets) -> Tensor:
                pairs = zip(torch.split(outputs, 1), torch.split(targets, 1), strict=True)
                return torch.stack([context.data_set.loss(*pair) for pair in pairs]).sum()

            found.add(layers, layer_calls(network, layers, images, loss))
        found.seconds = thread_time() - started
        return [found] * len(kinds)

    @classmethod
    def _of_own(cls, subject: Subject) -> Self:
        """The same of any network, image by image."""
        context = subject.context
        network = subject.build(init=context.protocol.init, seed=context.seed)
        assert isinstance(network, OwnNetwork)
        weights = {name: one for name, one in network.weights.items() if one.requires_grad}
        batch = context.batches[0].to(context.device)
        found = cls()
        for at in range(len(batch.images)):
            outputs = run(network, subject.to_run(batch.images[at : at + 1]))
            loss = fitted_loss(network, context.data_set, outputs, batch.targets[at : at + 1])
            if not (weights and loss.requires_grad):
                raise Undefined("the loss depends on no weight that is trained")
            for name, gradient in zip(
                weights, torch.autograd.grad(loss, list(weights.values()), allow_unused=True), strict=True
            ):
                if gradient is not None:
                    flat = gradient.detach().flatten().to(torch.promote_types(gradient.dtype, torch.float32))
                    sums = GradientSums(flat, flat.sign().float())
                    found.layers[name] = found.layers[name] + sums if name in found.layers else sums
            found.n_images += 1
        n_seen = sum(len(one.signs) for one in found.layers.values())
        n_frozen = sum(one.numel() for one in network.weights.values() if not one.requires_grad)
        found.coverage = Coverage(weights=share(n_seen, n_seen + n_frozen))
        return found

    def add(self, layers: Mapping[str, WeightLayer], calls: Mapping[str, Sequence[LayerCall]]) -> None:
        """Add some images, given by the calls of each layer."""
        for name, of_layer in calls.items():
            found, known = _sums(layers[name], of_layer), self.layers.get(name)
            self.layers[name] = found if known is None else known + found
        self.n_images += next((len(of_layer[0].inputs) for of_layer in calls.values()), 0)


class ImageNorm(nn.Module):
    """Batch normalisation in train mode, applied to each image of a batch as a batch of one."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, features: Tensor) -> Tensor:
        """[n_images, channels, height, width] to the same."""
        n_images = len(features)
        # Every channel of every image becomes a channel of one image. (F.group_norm is faster, but returns noise for a
        # constant channel, whose signs would be counted, instead of the zeros of batch normalisation.)
        together = features.reshape(1, -1, *features.shape[2:])
        weight, bias = self.weight.repeat(n_images), self.bias.repeat(n_images)
        normalised = F.batch_norm(together, None, None, weight, bias, training=True, eps=self.eps)
        return normalised.reshape(features.shape)


def separated(network: nn.Module) -> nn.Module:
    """The network, changed so that images do not interact and weights do not require gradients."""
    for parameter in network.requires_grad_(False).parameters():
        parameter.data = parameter.data.contiguous()  # grouped convolutions are slow in channels-last
    if network.training:
        for parent in list(network.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.BatchNorm2d):
                    setattr(parent, name, ImageNorm(child))
    return network


def layer_calls(
    network: nn.Module, layers: Mapping[str, nn.Module], images: Tensor, loss: Loss
) -> dict[str, list[LayerCall]]:
    """The calls of each layer while `loss(network(images))` runs forward and backward, of called layers only.

    Calls that the loss does not depend on have gradients of zero.
    """
    names = {layer: name for name, layer in layers.items()}
    seen: list[tuple[str, Tensor, Tensor]] = []

    def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if not output.requires_grad:
            output = output.detach().requires_grad_()
        seen.append((names[module], inputs[0].detach(), output))
        return output

    with hooked(list(names), see), torch.enable_grad():
        total = loss(run(network, images))
    gradients = torch.autograd.grad(total, [output for _, _, output in seen], allow_unused=True)
    calls: dict[str, list[LayerCall]] = {}
    for (name, inputs, output), gradient in zip(seen, gradients, strict=True):
        found = torch.zeros_like(output) if gradient is None else gradient
        calls.setdefault(name, []).append(LayerCall(inputs, found))
    return calls


def _sums(layer: WeightLayer, calls: Sequence[LayerCall]) -> GradientSums:
    dtype = torch.promote_types(layer.weight.dtype, torch.float32)
    gradients, signs = [], []
    for block in weight_gradients(layer, calls):
        gradients.append(block.sum(dim=0, dtype=dtype))
        signs.append(block.sign().sum(dim=0, dtype=torch.float32))
    return GradientSums(torch.cat(gradients), torch.cat(signs))


def weight_gradients(layer: WeightLayer, calls: Sequence[LayerCall]) -> Iterator[Tensor]:
    """Gradients [n_images, n] of a layer's weights, summed over its calls, in blocks that cover all weights."""
    step = max(1, _MOST_ENTRIES // (len(calls[0].inputs) * layer.weight[0].numel()))
    if isinstance(layer, nn.Conv2d) and layer.groups > 1:  # whole groups
        of_group = len(layer.weight) // layer.groups
        step = max(step // of_group, 1) * of_group
    for start in range(0, len(layer.weight), step):
        blocks = [_of_call(layer, call, slice(start, start + step)).flatten(1) for call in calls]
        yield blocks[0] if len(blocks) == 1 else torch.stack(blocks).sum(dim=0)


def _of_call(layer: WeightLayer, call: LayerCall, outputs: slice) -> Tensor:
    """Gradients [n_images, n_outputs, ...] of the weights of some of the outputs."""
    gradient = call.output_gradient[:, outputs]
    if isinstance(layer, nn.Linear):
        return gradient[:, :, None] * call.inputs[:, None]
    n_images, n_outputs = gradient.shape[:2]
    n_groups = max(1, n_outputs * layer.groups // layer.out_channels)
    first = outputs.start * layer.groups // layer.out_channels * layer.weight.shape[1]
    inputs = call.inputs[:, first : first + n_groups * layer.weight.shape[1]]
    shape = (n_images * n_outputs, *layer.weight.shape[1:])
    found: Tensor = conv2d_weight(  # type: ignore[no-untyped-call]  # torch ships no types for it
        inputs.reshape(1, -1, *inputs.shape[2:]),
        shape,
        gradient.reshape(1, -1, *gradient.shape[2:]),
        layer.stride,
        layer.padding,
        layer.dilation,
        groups=n_images * n_groups,
    )
    return found.reshape(n_images, n_outputs, *shape[1:])
