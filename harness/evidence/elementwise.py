"""The inputs of elementwise activations of any network, whether modules, functions or methods compute them.

A unit's code is the sign of its pre-activation, also for smooth activations, as SWAP-Universal does: GELU, SiLU and
tanh have their bend there, ReLU6 and hardswish the first of two, and a sigmoid its steepest point. Softmax and pooling
are no elementwise activations.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

ELEMENTWISE = frozenset((
    "relu", "relu6", "threshold", "hardtanh", "leaky_relu", "_prelu_kernel", "prelu", "rrelu", "rrelu_with_noise",
    "elu", "celu", "selu", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "sigmoid", "tanh", "softplus",
    "log_sigmoid_forward", "softshrink", "hardshrink", "erf", "clamp", "clamp_min",
))  # fmt: skip
_UNREAD = frozenset((
    "abs", "maximum", "minimum", "where", "sin", "cos", "glu", "mkldnn_rnn_layer", "_thnn_fused_lstm_cell",
    "_thnn_fused_gru_cell",
))  # fmt: skip


class ElementwiseReader(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch ships no types for it
    """A context that reads the pre-activations of a forward pass.

    Args:
        n_samples: in the batch.
        see: is handed each pre-activation as [n_samples, units].

    Attributes:
        n_read, n_unread: units that were handed on, and units of functions that bend otherwise, or whose axes have no
            batch in them.
    """

    def __init__(self, n_samples: int, see: Callable[[Tensor], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._n, self._see = n_samples, see
        self.n_read = self.n_unread = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = function.overloadpacket.__name__.removesuffix("_")
        features = next((one for one in args if isinstance(one, Tensor) and one.is_floating_point()), None)
        if features is not None and features.numel() >= self._n:
            if name in ELEMENTWISE:
                units = by_sample(features.detach(), self._n)
                if units is None:
                    self.n_unread += features.numel() // self._n
                else:
                    self.n_read += units.shape[1]
                    self._see(units)
            elif name in _UNREAD and features.dim() > 1:
                self.n_unread += features.numel() // self._n
        return function(*args, **(kwargs or {}))


def by_sample(features: Tensor, n_samples: int) -> Tensor | None:
    """Features as [n_samples, units]; None if no axis is that of the samples.

    The first axis is, or the second as in [sequence, batch, features], or the first one holds several parts of each
    sample in a row, such as the windows of an image.
    """
    if features.dim() and features.shape[0] == n_samples:
        return features.reshape(n_samples, -1)
    if features.dim() > 1 and features.shape[1] == n_samples:
        return features.transpose(0, 1).reshape(n_samples, -1)
    if features.dim() and features.shape[0] and features.shape[0] % n_samples == 0:
        return features.reshape(n_samples, -1)
    return None


class OutputReader(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch ships no types for it
    """A context that hands on the outputs of elementwise activations, of two axes or more, as they are computed."""

    def __init__(self, see: Callable[[Tensor], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._see = see

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        output = function(*args, **(kwargs or {}))
        is_one = function.overloadpacket.__name__.removesuffix("_") in ELEMENTWISE and isinstance(output, Tensor)
        if is_one and output.is_floating_point() and output.dim() > 1:
            self._see(output.detach())
        return output
