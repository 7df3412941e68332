"""Where the attention and the feed-forward layers of a network are, whoever wrote it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from torch import Tensor, nn

from harness.evidence.base import EVIDENCE, Evidence, Subject, Undefined
from harness.space.own_network import LAYERS, NORMS, body_of, weights_of

QUERIES = frozenset(("query", "q", "q_proj", "to_q", "q_lin", "wq", "query_proj", "q_linear", "linear_q", "W_q"))
KEYS = frozenset(("key", "k", "k_proj", "to_k", "k_lin", "wk", "key_proj", "k_linear", "linear_k", "W_k"))
VALUES = frozenset(("value", "v", "v_proj", "to_v", "v_lin", "wv", "value_proj", "v_linear", "linear_v", "W_v"))
PACKED = frozenset(("qkv", "in_proj", "to_qkv", "c_attn", "Wqkv", "query_key_value", "qkv_proj"))
OUTPUTS = frozenset(
    ("out_proj", "output", "proj", "o_proj", "to_out", "c_proj", "out", "out_lin", "wo", "dense", "W_o")
)
NO_ATTENTION = (
    "the network has no attention: no nn.MultiheadAttention, and no module with linear layers called query and key, or "
    "with a packed one such as qkv"
)


@dataclass(frozen=True)
class AttentionLayer:
    """One attention, or another operation between positions that declares itself.

    Attributes:
        name: of the module that has the layers below.
        projections: of its linear layers, those whose outputs are mixed: queries, keys and values, or one that packs
            them; empty for nn.MultiheadAttention, whose weights are its own.
        inner: names of all its weights except those of `outer`, as `harness.space.own_network` names them.
        outer: names of the weights of what it ends with, usually one linear layer.
    """

    name: str
    projections: tuple[str, ...]
    inner: tuple[str, ...]
    outer: tuple[str, ...]


@dataclass(frozen=True)
class TransformerBlock:
    """Attention with the feed-forward layers beside it: the smallest module that has both.

    Attributes:
        name: of the module, empty for the whole network.
        attention: usually one; a decoder's blocks have two.
        feed_forward: names of linear layers in it that belong to no attention, in order.
    """

    name: str
    attention: tuple[AttentionLayer, ...]
    feed_forward: tuple[str, ...]


@EVIDENCE.register("transformer_parts")
class TransformerParts(Evidence):
    """The attention and the feed-forward layers, found by the names and shapes of modules; nothing runs.

    An attention is an nn.MultiheadAttention, a module whose children are linear layers with names such as query and
    key, or qkv, and one that declares `token_projections`, a tuple of such children's names. One square linear layer
    that a module around it adds is part of it, as an output layer in a module of its own. What a larger module adds,
    smaller than the network, are feed-forward layers if they take and give the width that the attention takes.

    `blocks` are in the network's order; `attention` and `feed_forward` are those of all blocks.
    """

    shared_pass: ClassVar[str] = "transformer parts"
    uses: ClassVar[frozenset[str]] = frozenset({"protocol", "seed"})

    def __init__(self, blocks: Sequence[TransformerBlock]) -> None:
        self.blocks = tuple(blocks)

    @property
    def attention(self) -> tuple[AttentionLayer, ...]:
        """The attention of all blocks."""
        return tuple(one for block in self.blocks for one in block.attention)

    @property
    def feed_forward(self) -> tuple[str, ...]:
        """Names of the feed-forward layers of all blocks."""
        return tuple(name for block in self.blocks for name in block.feed_forward)

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> list[Self]:
        """See `Evidence`.

        Raises:
            Undefined: if the network has no attention.
        """
        blocks = blocks_of(subject.network)
        if not blocks:
            raise Undefined(NO_ATTENTION)
        return [kind(blocks) for kind in kinds]


def blocks_of(network: nn.Module) -> list[TransformerBlock]:
    """The blocks of a network, in its order; none without attention."""
    modules = dict(body_of(network).named_modules())
    weights = weights_of(network)
    known = {name: matrix for name, matrix in weights.items() if is_matrix(modules, name, matrix)}
    found = [name for name, module in modules.items() if _is_attention(module)]
    attention = [_attention(name, modules, known, found) for name in found]
    homes = [_home(one, known, found) for one in attention]
    own = {name for one in attention for name in (*one.inner, *one.outer)}
    blocks = []
    for home in dict.fromkeys(homes):
        beside = [name for name in known if _is_in(name, home) and name not in own]
        members = tuple(one for one, its in zip(attention, homes, strict=True) if its == home)
        width = _width(members[0], known)
        forward = _closed(beside, known, width) if home else ()
        blocks.append(TransformerBlock(home, members, forward))
    return blocks


def is_matrix(modules: dict[str, nn.Module], name: str, weight: Tensor) -> bool:
    """Whether a weight is the matrix of a linear layer or packed in an attention."""
    owner = modules.get(name) or modules.get(name.rpartition(".")[0])
    if isinstance(owner, nn.Linear | nn.MultiheadAttention):
        return True
    return weight.dim() == 2 and name in modules and not isinstance(owner, (*LAYERS, *NORMS))


def _is_attention(module: nn.Module) -> bool:
    if isinstance(module, nn.MultiheadAttention) or hasattr(module, "token_projections"):
        return True
    children = {name for name, child in module.named_children() if is_linear(child)}
    return bool(children & PACKED or (children & QUERIES and children & KEYS))


def is_linear(module: nn.Module) -> bool:
    """Whether a module is a linear layer: PyTorch's, or another that has nothing but a matrix and perhaps a bias."""
    if isinstance(module, nn.Linear):
        return True
    weight = getattr(module, "weight", None)
    is_other = isinstance(module, (*LAYERS, *NORMS)) or any(True for _ in module.children())
    return isinstance(weight, nn.Parameter) and weight.dim() == 2 and not is_other


def _attention(
    name: str, modules: dict[str, nn.Module], known: dict[str, Tensor], found: Sequence[str]
) -> AttentionLayer:
    module = modules[name]
    within = [weight for weight in known if _is_in(weight, name)]
    declared = getattr(module, "token_projections", ())
    names = declared or [child for child, _ in module.named_children() if child in QUERIES | KEYS | VALUES | PACKED]
    projections = tuple(_under(name, child) for child in names if is_linear(getattr(module, child)))
    outer = [one for one in within if _below(one, name).partition(".")[0] in OUTPUTS and one not in projections]
    inner = [one for one in within if one not in outer]
    for around in _ancestors(name):
        added = [one for one in known if _is_in(one, around) and one not in inner and one not in outer]
        square = all(known[one].shape[0] == known[one].shape[1] for one in added)
        if not around or not square or len(added) > 1 or any(_is_in(other, around) for other in found if other != name):
            break
        outer += added
    return AttentionLayer(name, projections, tuple(inner), tuple(outer))


def _home(one: AttentionLayer, known: dict[str, Tensor], found: Sequence[str]) -> str:
    """The smallest module around an attention that has further linear layers."""
    own = {*one.inner, *one.outer}
    width = _width(one, known)
    for around in _ancestors(one.name):
        beside = [name for name in known if _is_in(name, around) and name not in own]
        beside = [name for name in beside if not any(_is_in(name, other) for other in found)]
        if _closed(beside, known, width):
            return around
    return ""


def _width(one: AttentionLayer, known: dict[str, Tensor]) -> int:
    """Of what an attention takes."""
    names = one.projections or one.inner or one.outer
    return known[names[0]].shape[-1] if names else 0


def _closed(names: Sequence[str], known: dict[str, Tensor], width: int) -> tuple[str, ...]:
    """The layers from the first that takes a width to the last that gives it; none if there is no such pair."""
    takes = [at for at, name in enumerate(names) if width in known[name].shape]
    gives = [at for at in takes[1:] if width in known[names[at]].shape]
    return tuple(names[takes[0] : gives[-1] + 1]) if gives else ()


def _ancestors(name: str) -> Iterator[str]:
    """The modules around one, from the smallest to the whole network."""
    while name:
        name = name.rpartition(".")[0]
        yield name


def _is_in(name: str, module: str) -> bool:
    return not module or name == module or name.startswith(f"{module}.")


def _under(name: str, child: str) -> str:
    return f"{name}.{child}" if name else child


def _below(name: str, module: str) -> str:
    return name.removeprefix(f"{module}.") if module else name
