"""The neural tangent kernel of a network's summed outputs, as in TE-NAS. Chen et al., arXiv:2102.11535."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.evidence.base import EVIDENCE, Subject, Undefined
from harness.evidence.per_image import LayerCall, WeightLayer, layer_calls, separated, weight_gradients
from harness.evidence.private import PrivateNetworkAndImages, run


@EVIDENCE.register("tangent_kernel")
class TangentKernel(PrivateNetworkAndImages):
    """Inner products of the gradients of two images' summed outputs, over all weights, including normalisation.

    Biases are excluded. Dead operations contribute nothing, and are not executed.
    """

    shared_pass: ClassVar[str] = "tangent kernel"

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._kernels: dict[tuple[int, bool], Tensor] = {}

    def kernel(self, n_images: int, *, train_mode: bool = False) -> Tensor:
        """The kernel of the first images, float64 [n, n]; n is smaller if the protocol has fewer images.

        Normalisation uses running statistics, which at initialisation have mean 0 and variance 1; in train mode batch
        statistics, so that an output depends on all images, and each needs a backward pass over the batch.

        Raises:
            Undefined: if the output of the network is an image.
        """
        if (n_images, train_mode) not in self._kernels:
            with self._shared():
                images = self.images(n_images)
                self._kernels[n_images, train_mode] = self._together(images) if train_mode else self._apart(images)
        return self._kernels[n_images, train_mode]

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
