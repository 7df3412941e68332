"""Gradients as evidence: by weights, by all parameters and by the images, and the Hessian times the weights."""

from typing import ClassVar

import torch
from torch import Tensor

from harness.evidence.base import EVIDENCE, Subject
from harness.evidence.task import BatchGradients, GradientRequest, Gradients, TaskEvidence


@EVIDENCE.register("weight_gradients")
class WeightGradients(TaskEvidence):
    """Gradients of the loss with respect to the weights of live convolutions and linear layers, for every batch.

    Transposed convolutions, as in decoders of TransNAS-Bench-101, are not included: the code of ZiCo, zero-cost-nas and
    NASLib uses only `Conv2d` and `Linear`.

    `layers` maps each layer's name to its gradients [n_batches, *weight.shape], without biases and normalisation.

    Of a network of the user's own, all weights of `harness.space.own_network` that are trained and that the loss
    depends on; a weight that is shared is one. Frozen weights lower the coverage.
    """

    needs_gradients: ClassVar[bool] = True

    def __init__(self) -> None:
        self._batches: list[Gradients] = []

    def add(self, gradients: Gradients) -> None:
        """See `TaskEvidence`."""
        self._batches.append(gradients)

    @property
    def n_seen(self) -> int:
        """Number of batches."""
        return len(self._batches)

    @property
    def layers(self) -> dict[str, Tensor]:
        """Gradients [n_batches, *weight.shape] by layer, in the network's order; at least float32."""
        everywhere = [name for name in self._batches[0] if all(name in batch for batch in self._batches)]
        stacked = {name: torch.stack([batch[name] for batch in self._batches]) for name in everywhere}
        return {name: at_least_float32(layer) for name, layer in stacked.items()}


@EVIDENCE.register("first_batch_gradients")
class FirstBatchGradients(WeightGradients):
    """`WeightGradients` of the first batch only."""

    n_batches: ClassVar[int | None] = 1


@EVIDENCE.register("parameter_gradients")
class ParameterGradients(TaskEvidence):
    """Gradients of the loss of the first batch with respect to every live parameter.

    `parameters` maps names to gradients, shaped as the parameter: weights of convolutions and linear layers by the
    layer's name, then biases and normalisation by their own; at least float32.
    """

    n_batches: ClassVar[int | None] = 1
    needs_gradients: ClassVar[bool] = True
    wants: ClassVar[GradientRequest] = GradientRequest.OTHER_PARAMETERS

    def __init__(self) -> None:
        self.parameters: dict[str, Tensor] = {}

    def add(self, gradients: Gradients) -> None:
        """See `TaskEvidence`."""
        self.parameters |= {name: at_least_float32(gradient) for name, gradient in gradients.items()}

    def add_further(self, further: BatchGradients) -> None:
        """See `TaskEvidence`."""
        self.parameters |= {name: at_least_float32(gradient) for name, gradient in further.parameters.items()}


@EVIDENCE.register("weight_curvature")
class WeightCurvature(TaskEvidence):
    """The Hessian of the loss of the first batch times the weights w, over the weights of all live layers.

    `layers` maps each layer's name to its part of H w, shaped as the weight; at least float32.
    """

    n_batches: ClassVar[int | None] = 1
    needs_gradients: ClassVar[bool] = True
    wants: ClassVar[GradientRequest] = GradientRequest.CURVATURE

    def __init__(self) -> None:
        self.layers: dict[str, Tensor] = {}

    def add(self, gradients: Gradients) -> None:
        """Does nothing; see `TaskEvidence`."""

    def add_further(self, further: BatchGradients) -> None:
        """See `TaskEvidence`."""
        self.layers = {name: at_least_float32(product) for name, product in further.curvature.items()}


@EVIDENCE.register("input_gradients")
class InputGradients(TaskEvidence):
    """Gradients of the summed outputs with respect to each image of the first batch, and the images' classes.

    `rows` is float64 [batch, n_inputs]. In train mode, normalisation couples the images of a batch, so a row is the
    gradient of the outputs of all images. `classes` int64 [batch], in 0 to `n_classes` - 1, is None for tasks without
    classes.

    For a network that ends in a normalisation, followed only by linear operations, the summed outputs do not depend on
    the images in train mode, because normalised values sum to a constant; for one that ends in probabilities they never
    do. The first is the case in TransNAS-Bench-101, but for tasks with images. The gradients are then rounding errors,
    and `is_rounding` is true, except in bfloat16, whose rounding errors are as large as small gradients.
    """

    n_batches: ClassVar[int | None] = 1
    wants: ClassVar[GradientRequest] = GradientRequest.INPUTS

    def __init__(self) -> None:
        self.rows = torch.empty(0, 0, dtype=torch.float64)
        self.classes: Tensor | None = None
        self.n_classes = 0
        self.is_rounding = False

    @classmethod
    def undefined_for(cls, subject: Subject) -> str:
        """Where inputs are indices."""
        return "the inputs are indices, which no gradient reaches" if subject.context.data_set.has_indices else ""

    def add(self, gradients: Gradients) -> None:
        """Does nothing; see `TaskEvidence`."""

    def add_further(self, further: BatchGradients) -> None:
        """See `TaskEvidence`."""
        assert further.inputs is not None  # requested
        self.is_rounding = further.inputs_cancel
        self.rows = further.inputs.flatten(1).double()
        self.classes, self.n_classes = further.classes, further.n_classes


def at_least_float32(tensor: Tensor) -> Tensor:
    """bfloat16 as float32, other dtypes unchanged."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
