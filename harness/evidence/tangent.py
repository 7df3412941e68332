"""The neural tangent kernel of a network's summed outputs, as in TE-NAS. Chen et al., arXiv:2102.11535."""

from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.evidence.base import EVIDENCE, Undefined
from harness.evidence.coverage import Coverage, share
from harness.evidence.per_image import LayerCall, WeightLayer, layer_calls, separated, weight_gradients
from harness.evidence.private import PrivateNetworkAndImages, run
from harness.space import ModelSpace
from harness.space.own_network import OwnNetwork

_MOST_NUMBERS = 2**27  # of gradients at once: 512 MiB in float32


@EVIDENCE.register("tangent_kernel")
class TangentKernel(PrivateNetworkAndImages):
    """Inner products of the gradients of two images' summed outputs, over all weights, including normalisation.

    Biases are excluded. Dead operations contribute nothing, and are not executed.

    Of a network of the user's own all parameters that are trained but those called bias, in one pass per image.
    """

    shared_pass: ClassVar[str] = "tangent kernel"

    def kernel(self, n_images: int, *, train_mode: bool = False) -> Tensor:
        """The kernel of the first images, float64 [n, n]; n is smaller if the protocol has fewer images.

        Normalisation uses running statistics, which at initialisation have mean 0 and variance 1; in train mode batch
        statistics, so that an output depends on all images, and each needs a backward pass over the batch.

        Raises:
            Undefined: if the output of the network is an image.
        """
        return self.once((n_images, train_mode), lambda: self._compute(n_images, train_mode))

    def _compute(self, n_images: int, train_mode: bool) -> Tensor:
        images = self.images(n_images)
        if isinstance(self._subject.context.space, ModelSpace):
            return self._of_own(images, train_mode)
        return self._together(images) if train_mode else self._apart(images)

    def _of_own(self, images: Tensor, train_mode: bool) -> Tensor:
        """The same of any network: one backward pass per image and block of parameters."""
        network = self.network(training=train_mode)
        assert isinstance(network, OwnNetwork)
        parameters = {name: one for name, one in network.named_parameters() if "bias" not in name.rpartition(".")[2]}
        trained = [one for one in parameters.values() if one.requires_grad]
        kernel = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)
        n_seen = 0
        for block in _blocks(trained, _MOST_NUMBERS // len(images)):
            rows: list[Tensor] = []
            together = _sums(run(network, images)) if train_mode else None
            for at in range(len(images)):
                one = _sums(run(network, images[at : at + 1])).sum() if together is None else together[at]
                if not one.requires_grad:
                    raise Undefined("the output depends on no parameter that is trained")
                gradients = torch.autograd.grad(one, block, retain_graph=train_mode, allow_unused=True)
                reached = [gradient.flatten() for gradient in gradients if gradient is not None]
                rows.append(torch.cat(reached) if reached else images.new_zeros(0))
            stacked = torch.stack(rows).to(torch.promote_types(rows[0].dtype, torch.float32))
            kernel += (stacked @ stacked.T).to(torch.float64)
            n_seen += stacked.shape[1]
        n_frozen = sum(one.numel() for one in parameters.values() if not one.requires_grad)
        self.coverage = Coverage(weights=share(n_seen, n_seen + n_frozen))
        return kernel

    def _together(self, images: Tensor) -> Tensor:
        network = self.network(execute="live")
        kinds = nn.Conv2d | nn.Linear | nn.BatchNorm2d
        weights = [module.weight for module in network.modules() if isinstance(module, kinds)]
        sums = _sums(run(network, images))
        rows = []
        for one in sums:
            gradients = torch.autograd.grad(one, weights, retain_graph=True, allow_unused=True)
            rows.append(torch.cat([gradient.flatten() for gradient in gradients if gradient is not None]))
        stacked = torch.stack(rows).to(torch.promote_types(rows[0].dtype, torch.float32))
        return (stacked @ stacked.T).to(torch.float64)

    def _apart(self, images: Tensor) -> Tensor:
        images = images.contiguous()  # grouped convolutions are slow in channels-last
        network = separated(self.network(training=False, execute="live"))
        layers = {
            name: module
            for name, module in network.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d)
        }
        kernel = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)
        for name, calls in layer_calls(network, layers, images, lambda outputs: _sums(outputs).sum()).items():
            layer = layers[name]
            blocks = weight_gradients(layer, calls) if isinstance(layer, WeightLayer) else [_of_norm(layer, calls)]
            for block in blocks:
                gradients = block.to(torch.promote_types(block.dtype, torch.float32))
                kernel += (gradients @ gradients.T).to(torch.float64)
        return kernel


def _blocks(parameters: list[nn.Parameter], most: int) -> Iterator[list[nn.Parameter]]:
    """Parameters in groups of at most so many numbers, or of one."""
    block: list[nn.Parameter] = []
    for one in parameters:
        if block and sum(other.numel() for other in block) + one.numel() > most:
            yield block
            block = []
        block.append(one)
    if block:
        yield block


def _sums(outputs: Tensor) -> Tensor:
    """The sum of each image's outputs [n_images]."""
    if outputs.dim() != 2:
        raise Undefined("the sum of the outputs is that of an image; the kernel is defined for vectors")
    return outputs.sum(dim=1)


def _of_norm(norm: nn.BatchNorm2d, calls: list[LayerCall]) -> Tensor:
    """Gradients [n_images, n_channels] of the weights of a normalisation with running statistics."""
    total = torch.zeros_like(calls[0].inputs[:, :, 0, 0])
    for call in calls:
        normalised = F.batch_norm(call.inputs, norm.running_mean, norm.running_var, eps=norm.eps)
        total += (normalised * call.output_gradient).sum(dim=(2, 3))
    return total
