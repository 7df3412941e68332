"""A network of the user's own in the form that passes run: one tensor in, one tensor out, its weights by name.

Any `nn.Module` will do. What evidence calls a weight is stated in `OwnNetwork.weights`.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _NormBase

from harness.errors import PlugInError
from harness.inputs.packing import InputPart, unpack
from harness.plug_in_code import calling
from harness.randomness import generator
from harness.space.initialise import Initialisation, draw_weight
from harness.space.sources import digest_of_class

LAYERS = (
    nn.modules.conv._ConvNd, nn.Linear, nn.Bilinear, nn.Embedding, nn.EmbeddingBag, nn.MultiheadAttention, nn.RNNBase,
    nn.RNNCellBase,
)  # fmt: skip
NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm, nn.RMSNorm)
_OUTPUTS = ("logits", "out", "output")
DIGITS = 16


class OwnNetwork(nn.Module):
    """The user's network, `body`, as the passes run it.

    Args:
        body: the network.
        arch: its name, for messages and generators.
        where: what was called to make it, for messages.
        parts: the inputs that a batch is unpacked to; none: the batch itself is the only one.
        rebuild: makes the body anew with the initial weights of a seed.
    """

    def __init__(
        self, body: nn.Module, arch: str, where: str, parts: Sequence[InputPart], rebuild: Callable[[int], nn.Module]
    ) -> None:
        super().__init__()
        self.body = body
        self.arch, self.where, self.parts = arch, where, tuple(parts)
        self._rebuild = rebuild

    def forward(self, inputs: Tensor) -> Tensor:
        """The output that the loss is of: of several, that called logits, out or output, otherwise the first tensor.

        Raises:
            PlugInError: for an error of the network, and for an output without a tensor.
        """
        args, named = unpack(inputs, self.parts) if self.parts else ([inputs], {})
        with calling(f"The network '{self.arch}' of {self.where}"), _plain_attention():
            found = self.body(*args, **named)
        output = _output(found)
        if output is None:
            raise PlugInError(
                f"The network '{self.arch}' of {self.where} returned {type(found).__name__} without a tensor of "
                "numbers; its output must be a tensor, or a tuple or mapping that holds one."
            )
        return output

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        """The weights by name, each once, in the network's order, dead and frozen ones included.

        A weight is a parameter of two or more dimensions of a convolution (1d to 3d, grouped, transposed), a linear or
        bilinear layer, an embedding, an attention or a recurrent layer, and any other parameter outside normalisation
        with two or more dimensions that are larger than 1. One called `weight` has its module's name.
        """
        found: dict[str, nn.Parameter] = {}
        modules = dict(self.body.named_modules())
        for name, parameter in self.body.named_parameters():
            owner, _, own = name.rpartition(".")
            if is_weight(modules[owner], parameter):
                found[owner if own == "weight" and owner else name] = parameter
        return found

    def redraw(self, init: Initialisation, seed: int) -> None:
        """Draw the initial weights: `default` as the network's own code does, otherwise all weights as `init` says.

        Biases beside weights are then zero, everything else as its own code initialises it.
        """
        if init is Initialisation.default:
            self.body.load_state_dict(self._rebuild(seed).state_dict())
            return
        modules = dict(self.body.named_modules())
        with torch.no_grad():
            for name, parameter in self.body.named_parameters():
                owner = modules[name.rpartition(".")[0]]
                if is_weight(owner, parameter):
                    draw_weight(parameter, init, generator("weights", seed, self.arch, name))
                elif isinstance(owner, LAYERS) and "bias" in name.rpartition(".")[2]:
                    parameter.zero_()

    @property
    def digests(self) -> tuple[str, str]:
        """sha256 of the structure and of the initial weights, 16 hexadecimal digits of each.

        The structure is every module with its class, the class's code and its settings, and every parameter and buffer
        with its shape.
        """
        structure, values = hashlib.sha256(), hashlib.sha256()
        for name, module in self.body.named_modules():
            kind = type(module)
            structure.update(f"{name}:{kind.__qualname__}({module.extra_repr()})\n".encode())
            structure.update(digest_of_class(kind).encode())  # type: ignore[arg-type]  # a class can be hashed
        tensors = [*self.body.named_parameters(), *self.body.named_buffers()]
        for name, tensor in tensors:
            structure.update(f"{name}:{tensor.dtype}{tuple(tensor.shape)}{tensor.requires_grad}\n".encode())
            numbers: Any = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            values.update(numbers.numpy())
        return structure.hexdigest()[:DIGITS], values.hexdigest()[:DIGITS]


def is_weight(owner: nn.Module, parameter: nn.Parameter) -> bool:
    """Whether a parameter of a module is a weight as `OwnNetwork.weights` defines it."""
    if isinstance(owner, LAYERS):
        return parameter.dim() >= 2
    return not isinstance(owner, NORMS) and sum(size > 1 for size in parameter.shape) >= 2


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """The weights that evidence is about, by layer: of a network of the user's own as it says itself.

    Of the networks of the project's benchmarks, those of `Conv2d` and `Linear`, as in published code.
    """
    if isinstance(network, OwnNetwork):
        return dict(network.weights)
    return {
        name: module.weight for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)
    }


def body_of(network: nn.Module) -> nn.Module:
    """The network without the frame that a network of the user's own is in."""
    return network.body if isinstance(network, OwnNetwork) else network


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Attention by its definition, not by fused kernels: those cannot be differentiated twice, nor looked into."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _output(found: Any) -> Tensor | None:
    """The tensor of numbers that the loss is of; None if there is none."""
    if isinstance(found, Tensor):
        return found if found.is_floating_point() else None
    if isinstance(found, Mapping):
        first = [found[name] for name in _OUTPUTS if name in found]
        candidates: Sequence[Any] = [*first, *found.values()]
    elif hasattr(found, "logits") and isinstance(found.logits, Tensor):
        return found.logits
    elif isinstance(found, Sequence) and not isinstance(found, str):
        candidates = found
    else:
        return None
    return next((one for one in map(_output, candidates) if one is not None), None)
