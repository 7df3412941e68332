"""What attention attends to, and how high its queries, keys and values peak."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.evidence.base import EVIDENCE
from harness.evidence.gradients import at_least_float32
from harness.evidence.transformer_parts import PACKED, AttentionLayer
from harness.evidence.transformer_pass import Looked, TransformerPass


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """One run of an attention's softmax on a batch.

    Attributes:
        name: of the attention.
        peaks: float64 [n_heads], the mean over sequences and queries of the largest weight that a query gives to a key.
        over_heads: the mean over sequences, queries and keys of the largest weight among the heads.
    """

    name: str
    peaks: Tensor
    over_heads: float


@EVIDENCE.register("attention_maps")
class AttentionMaps(TransformerPass):
    """Attention weights of the first batch, as numbers for each head, and the peaks of what goes into them.

    `maps` has one entry for each softmax of queries and keys that ran inside an attention, in order; dropout of the
    weights comes later. `discarded` has the same of operations that declare `discarded_heads`, whose authors take a
    softmax of each head's outputs and make no use of it. `projections` has, for each output of a linear layer whose
    outputs are mixed (queries, keys, values), its name and the mean over sequences and channels of the largest value
    among the tokens.

    Undefined without attention. Memory: one map and one output of a layer at a time.
    """

    def __init__(self) -> None:
        self.maps: list[AttentionMap] = []
        self.discarded: list[AttentionMap] = []
        self.projections: list[tuple[str, float]] = []

    def watch(self, looked: Looked) -> list[Any]:
        """See `TransformerPass`."""
        handles: list[Any] = []
        for block in looked.blocks:
            for layer in block.attention:
                module = looked.modules[layer.name]
                if isinstance(module, nn.MultiheadAttention):
                    see = partial(self._see_packed, layer.name)
                    handles.append(module.register_forward_pre_hook(see, with_kwargs=True))
                for name in layer.projections:
                    handles.append(looked.modules[name].register_forward_hook(partial(self._see_projection, name)))
                heads = getattr(module, "discarded_heads", 0)
                if heads:
                    handles.append(module.register_forward_hook(partial(self._see_discarded, layer.name, heads)))
        return handles

    def see_probabilities(self, layer: AttentionLayer, module: nn.Module, probabilities: Tensor) -> None:
        """See `TransformerPass`."""
        self.maps.append(_map(layer.name, by_head(probabilities, module)))

    def _see_discarded(self, name: str, heads: int, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        made = at_least_float32(output)
        split = made.reshape(*made.shape[:2], heads, -1).transpose(1, 2)
        # Not by softmax, which would be taken for that of an attention.
        self.discarded.append(_map(name, (split - split.logsumexp(-1, keepdim=True)).exp()))

    def _see_projection(self, name: str, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if isinstance(output, Tensor) and output.dim() >= 3:
            parts = 3 if name.rpartition(".")[2] in PACKED and output.shape[-1] % 3 == 0 else 1
            for part in output.chunk(parts, dim=-1):
                self.projections.append((name, _peak(part, token_axis=-2)))

    def _see_packed(
        self, name: str, module: nn.MultiheadAttention, args: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        inputs = [named.get(word, args[at] if at < len(args) else None) for at, word in enumerate(_WORDS)]
        for word, one, weight, bias in zip(_WORDS, inputs, weights_of_packed(module), _biases(module), strict=True):
            if isinstance(one, Tensor) and one.dim() == 3:
                made = F.linear(one, weight, bias)
                self.projections.append((f"{name}.{word}", _peak(made, token_axis=-2 if module.batch_first else 0)))

    def conclude(self) -> None:
        """See `TransformerPass`."""
        if not (self.maps or self.projections):
            self.reason = "no attention of the network ran"


_WORDS = ("query", "key", "value")


def weights_of_packed(module: nn.MultiheadAttention) -> Iterator[Tensor]:
    """The weights of queries, keys and values."""
    if module.in_proj_weight is not None:
        yield from module.in_proj_weight.chunk(3)
    else:
        yield from (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)


def _biases(module: nn.MultiheadAttention) -> Iterator[Tensor | None]:
    yield from (None, None, None) if module.in_proj_bias is None else module.in_proj_bias.chunk(3)


def by_head(probabilities: Tensor, module: nn.Module) -> Tensor:
    """[n_sequences, n_heads, n_queries, n_keys] of a softmax whose first two axes may be one."""
    size = probabilities.shape[-2:]
    if probabilities.dim() >= 4:
        return probabilities.reshape(-1, *probabilities.shape[-3:])
    heads = getattr(module, "num_heads", 1)
    return probabilities.reshape(-1, heads, *size) if len(probabilities) % heads == 0 else probabilities[:, None]


def _peak(made: Tensor, token_axis: int) -> float:
    return float(torch.amax(at_least_float32(made), dim=token_axis).double().mean())


def _map(name: str, probabilities: Tensor) -> AttentionMap:
    exact = at_least_float32(probabilities)
    return AttentionMap(name, exact.amax(-1).double().mean(dim=(0, 2)), float(exact.amax(1).double().mean()))
