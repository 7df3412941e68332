"""The neural tangent kernel of a network's summed outputs, as TE-NAS takes it. Chen et al., arXiv:2102.11535."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.evidence.base import EVIDENCE, Subject, Undefined
from harness.evidence.per_image import LayerCall, WeightLayer, layer_calls, reach_loss, separated, weight_gradients
from harness.evidence.private import PrivateNetworkAndImages


@EVIDENCE.register("tangent_kernel")
class TangentKernel(PrivateNetworkAndImages):
    """Inner products of the gradients of two images' summed outputs, over all weights, those of normalisation included.

    Biases are left out. Normalisation takes its running statistics, which at initialisation are those of no change.
    """

    rides_on: ClassVar[str] = "tangent kernel"

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._kernels: dict[int, Tensor] = {}

    def kernel(self, n_images: int) -> Tensor:
        """The kernel of the first images, float64 [n, n], n being fewer where the protocol has fewer images.

        Raises:
            Undefined: where the output of the network is an image.
        """
        if n_images not in self._kernels:
            with self._shared():
                self._kernels[n_images] = self._compute(self.images(n_images).contiguous())
        return self._kernels[n_images]

    def _compute(self, images: Tensor) -> Tensor:
        network = separated(self.network(training=False))
        layers = {
            name: module
            for name, module in network.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d)
        }
        kernel = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)
        for name, calls in layer_calls(network, layers, images, _summed).items():
            if not reach_loss(calls):
                continue
            layer = layers[name]
            blocks = weight_gradients(layer, calls) if isinstance(layer, WeightLayer) else [_of_norm(layer, calls)]
            for block in blocks:
                gradients = block.to(torch.promote_types(block.dtype, torch.float32))
                kernel += (gradients @ gradients.T).to(torch.float64)
        return kernel


def _summed(outputs: Tensor) -> Tensor:
    if outputs.dim() != 2:
        raise Undefined("the sum of the outputs is that of an image; the kernel is defined for vectors")
    return outputs.sum()


def _of_norm(norm: nn.BatchNorm2d, calls: list[LayerCall]) -> Tensor:
    """Gradients [n_images, n_channels] of the weights of a normalisation by running statistics."""
    total = torch.zeros_like(calls[0].inputs[:, :, 0, 0])
    for call in calls:
        normalised = F.batch_norm(call.inputs, norm.running_mean, norm.running_var, eps=norm.eps)
        total += (normalised * call.output_gradient).sum(dim=(2, 3))
    return total
