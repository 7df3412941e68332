"""What a network of any kind consists of, from one forward pass and the graph of its gradient.

Parameters and operations are live if the gradient of the output reaches them. A multiplication with zero hides
nothing from the graph, so an operation that is switched off in this way counts as live.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from harness.space.layers import Layer, LayerTable
from harness.space.own_network import LAYERS, OwnNetwork, is_weight

Node = Any  # of the graph of a gradient; torch gives it no public type
_PRODUCTS = ("Addmm", "Mm", "Bmm", "Baddbmm", "Addbmm", "Mv", "Addmv", "Linear", "Dot")
_CONVOLUTIONS = ("Convolution", "SlowConv", "MkldnnConvolution", "ThnnConv", "ConvDepthwise")


@dataclass(frozen=True)
class Trace:
    """What was found: rows to be counted, and the largest number of layers on a path from input to output.

    Each trainable parameter is a row, without FLOPs, and each operation with FLOPs is a row, without parameters.
    """

    layers: tuple[Layer, ...]
    depth: int

    @property
    def table(self) -> LayerTable:
        """The rows as evidence reads them."""
        return LayerTable.of_layers([self.layers], depths=[self.depth])


def trace(network: OwnNetwork, example: Tensor) -> Trace:
    """Count a network.

    Args:
        network: in float32 on the CPU; its running statistics are not touched.
        example: an input of one sample [1, ...].
    """
    frozen = [parameter for parameter in network.parameters() if not parameter.requires_grad]
    numbers = example.detach().clone()
    modes = {module: module.training for module in network.modules()}
    network.eval()
    for parameter in frozen:
        parameter.requires_grad_(True)
    try:
        if numbers.is_floating_point():
            numbers.requires_grad_(True)
        counter = _Counter()
        operations = _Operations(counter)
        with torch.enable_grad(), _unfused(), counter, operations:
            output = network(numbers)
        graph = _Graph(output)
        return Trace(tuple(_rows(network, graph, operations, set(map(id, frozen)))), graph.depth(_weights(network)))
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)
        for module, training in modes.items():
            module.training = training


@contextmanager
def _unfused() -> Iterator[None]:
    """Recurrent layers by their products: torch does not count fused kernels."""
    before = torch._C._get_mkldnn_enabled()  # torch.backends.mkldnn.flags warns about other settings
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)


def _rows(network: OwnNetwork, graph: "_Graph", operations: "_Operations", frozen: set[int]) -> Iterator[Layer]:
    weights = _weights(network)
    for parameter in network.parameters():
        n = parameter.numel()
        is_frozen = id(parameter) in frozen
        yield Layer(
            n_weights=n if id(parameter) in weights else 0,
            n_params=0 if is_frozen else n,
            flops=0,
            live=id(parameter) in graph.parameters,
            is_linear=id(parameter) not in graph.convolved & weights,
        )
    for node, flops in operations.found:
        yield Layer(0, 0, flops, live=node in graph.nodes, is_linear=True)


def _weights(network: OwnNetwork) -> set[int]:
    """The weights of layers; tables of embeddings, which multiply nothing, are among them."""
    return {
        id(parameter)
        for module in network.body.modules()
        for parameter in module.parameters(recurse=False)
        if is_weight(module, parameter) and (isinstance(module, LAYERS) or parameter.dim() >= 2)
    }


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch ships no types for it
    """FLOPs by the formulas of torch; `FlopCounterMode` also follows modules, which takes as long as the pass."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        formula = flop_registry.get(function.overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=result)
        return result


class _Operations(TorchFunctionMode):
    """The multiply-accumulates of every call of a function of torch, with the node that its result comes from."""

    def __init__(self, counter: "_Counter") -> None:
        super().__init__()
        self._counter = counter
        self.found: list[tuple[Node, int]] = []

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        before = self._counter.total
        result = function(*args, **(kwargs or {}))
        flops = self._counter.total - before
        if flops:
            tensors = result if isinstance(result, tuple | list) else [result]
            nodes = [one.grad_fn for one in tensors if isinstance(one, Tensor) and one.grad_fn is not None]
            self.found.append((nodes[0] if nodes else None, flops // 2))  # torch counts a multiplication and a sum
        return result


class _Graph:
    """The nodes that the gradient of an output reaches."""

    def __init__(self, output: Tensor) -> None:
        self.order: list[Node] = []  # each after all that it depends on
        self.parameters: set[int] = set()
        self.convolved: set[int] = set()
        if output.grad_fn is not None:
            self._walk(output.grad_fn)
        self.nodes: set[Node] = set(self.order)
        for node in self.order:
            if _is(node, _CONVOLUTIONS):
                self.convolved |= {id(leaf) for child, _ in node.next_functions for leaf in _leaf_behind(child)}

    def _walk(self, root: Node) -> None:
        seen: set[Node] = set()
        stack: list[tuple[Node, bool]] = [(root, False)]
        while stack:
            node, is_done = stack.pop()
            if is_done:
                self.order.append(node)
            elif node not in seen:
                seen.add(node)
                if hasattr(node, "variable"):
                    self.parameters.add(id(node.variable))
                stack.append((node, True))
                stack += [(child, False) for child, _ in node.next_functions if child is not None and child not in seen]

    def depth(self, weights: set[int]) -> int:
        """The largest number of products with a weight on a path."""
        longest: dict[Node, int] = {}
        only_weights: dict[Node, bool] = {}  # what depends on parameters alone, such as a transposed weight
        for node in self.order:
            children = [child for child, _ in node.next_functions if child is not None]
            if hasattr(node, "variable"):
                only_weights[node], longest[node] = id(node.variable) in weights, 0
                continue
            only_weights[node] = bool(children) and all(map(only_weights.get, children)) and not _is(node, _LOOKUPS)
            is_layer = _is(node, _PRODUCTS + _CONVOLUTIONS) and any(map(only_weights.get, children))
            longest[node] = max((longest[child] for child in children), default=0) + is_layer
        return longest[self.order[-1]] if self.order else 0


_LOOKUPS = ("Embedding",)


def _is(node: Node, names: tuple[str, ...]) -> bool:
    return cast(str, node.name()).startswith(names)


def _leaf_behind(node: Node) -> Iterator[nn.Parameter]:
    """The parameter that a node passes on, possibly reshaped; none if it computes."""
    while node is not None:
        if hasattr(node, "variable"):
            yield node.variable
            return
        children = [child for child, _ in node.next_functions if child is not None]
        if len(children) != 1 or not _is(node, _RESHAPES):
            return
        node = children[0]


_RESHAPES = ("View", "Reshape", "T", "Permute", "Unsqueeze", "Squeeze", "Clone", "ToCopy", "Expand", "UnsafeView")
