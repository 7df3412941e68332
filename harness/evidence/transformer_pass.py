"""One forward pass that looks into attention and feed-forward layers. The kinds that share it keep small numbers."""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from time import thread_time
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from harness.evidence.base import Evidence, Subject, Undefined
from harness.evidence.elementwise import ELEMENTWISE
from harness.evidence.transformer_parts import NO_ATTENTION, AttentionLayer, TransformerBlock, blocks_of
from harness.space.own_network import body_of

_SOFTMAX = frozenset(("_softmax", "_safe_softmax", "softmax"))


class Looked:
    """What a pass looks at: the blocks, their modules, and which attention is running."""

    def __init__(self, network: nn.Module) -> None:
        self.body = body_of(network)
        self.blocks: Sequence[TransformerBlock] = blocks_of(network)
        self.running: list[tuple[AttentionLayer, frozenset[int]]] = []
        self.fed: dict[int, tuple[str, int]] = {}

    @cached_property
    def modules(self) -> dict[str, nn.Module]:
        """Of the network, by name."""
        return dict(self.body.named_modules())


class TransformerPass(Evidence):
    """Evidence of the first batch, without gradients, in the protocol's mode, that sees the pass as it runs.

    Undefined without attention. `reason`, if it is not empty when the pass has ended, says what else is missing.
    """

    shared_pass: ClassVar[str] = "transformer"
    reason: str = ""

    def watch(self, looked: Looked) -> list[Any]:
        """Hooks on modules for the pass; removed after it."""
        return []

    def see_probabilities(self, layer: AttentionLayer, module: nn.Module, probabilities: Tensor) -> None:
        """An attention's softmax [..., n_queries, n_keys]."""

    def see_activation(self, layer: str, n_inputs: int, features: Tensor) -> None:
        """What an elementwise activation reads from a feed-forward layer, [..., width]."""

    def see_other_activation(self, n_units: int) -> None:
        """Units of an elementwise activation that reads something else."""

    @abstractmethod
    def conclude(self) -> None:
        """The pass has ended."""

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> Sequence[Self | Undefined]:
        """See `Evidence`; each kind's seconds are those of the pass.

        Raises:
            Undefined: if the network has no attention.
        """
        started = thread_time()
        looked = Looked(subject.network)
        if not looked.blocks:
            raise Undefined(NO_ATTENTION)
        found = [kind() for kind in kinds]
        with ExitStack() as stack:
            for one in found:
                for handle in one.watch(looked):
                    stack.callback(handle.remove)
            for handle in _follow(looked):
                stack.callback(handle.remove)
            stack.enter_context(torch.no_grad())
            stack.enter_context(_Reader(looked, found))
            subject.network(subject.to_run(subject.context.batches[0].images))
        for one in found:
            one.conclude()
            one.seconds = thread_time() - started
        return [Undefined(one.reason) if one.reason else one for one in found]


def _follow(looked: Looked) -> list[Any]:
    """Hooks that keep track of the attention that runs, and of what feed-forward layers have put out."""
    handles: list[Any] = []

    def enter(layer: AttentionLayer, module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        tensors = [one for one in (*args, *named.values()) if isinstance(one, Tensor) and one.dim() >= 2]
        looked.running.append((layer, frozenset(size for one in tensors for size in one.shape[:-1])))

    def leave(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        looked.running.pop()

    def fed(name: str, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        looked.fed.clear()  # an address may be used again
        if isinstance(output, Tensor):
            looked.fed[output.data_ptr()] = (name, args[0].shape[-1])

    for block in looked.blocks:
        for layer in block.attention:
            module = looked.modules[layer.name]
            handles.append(module.register_forward_pre_hook(partial(enter, layer), with_kwargs=True))
            handles.append(module.register_forward_hook(leave, always_call=True))
        for name in block.feed_forward:
            handles.append(looked.modules[name].register_forward_hook(partial(fed, name)))
    return handles


class _Reader(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch ships no types for it
    """Hands softmaxes of attention and inputs of activations to the evidence."""

    def __init__(self, looked: Looked, found: Sequence[TransformerPass]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._looked, self._found = looked, found

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = function.overloadpacket.__name__.removesuffix("_")
        if name in ELEMENTWISE:
            self._activation(next((one for one in args if isinstance(one, Tensor)), None))
        output = function(*args, **(kwargs or {}))
        if f"_{name.lstrip('_')}" in _SOFTMAX and self._looked.running:
            layer, lengths = self._looked.running[-1]
            if output.dim() >= 3 and {output.shape[-1], output.shape[-2]} <= lengths:
                for one in self._found:
                    one.see_probabilities(layer, self._looked.modules[layer.name], output)
        return output

    def _activation(self, features: Tensor | None) -> None:
        if features is None or not features.is_floating_point() or features.dim() < 2:
            return
        known = self._looked.fed.get(features.data_ptr())
        for one in self._found:
            if known is None:
                one.see_other_activation(features.numel() // features.shape[0])
            else:
                one.see_activation(known[0], known[1], features)
