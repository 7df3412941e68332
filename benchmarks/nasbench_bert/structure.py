"""What a NAS-Bench-BERT string names, and the three networks that hide under it. arXiv:2306.00288, Section 4.

The hyperparameters that the authors published are those of the string. The code that scored the networks left out the
hidden size and the feed-forward widths, and the public code that trained them makes every layer plain attention.
"""

import re
from dataclasses import dataclass, replace

from harness.space import Choices

OPERATIONS = ("SA-SDP", "SA-WMA", "LT-DFT", "LT-DCT", "DSC-5", "DSC-9")
PLAIN_ATTENTION = OPERATIONS[0]
HIDDEN = (128, 256)
DEPTHS = (2, 4)
HEADS = (2, 4)
WIDTHS = (512, 1024)
N_FEED_FORWARD = (1, 3)
MEASURED_HIDDEN, MEASURED_WIDTH = 256, 1024
_OF_LAYER = (tuple(range(len(OPERATIONS))), HEADS, WIDTHS, N_FEED_FORWARD)
_PER_LAYER = len(_OF_LAYER)
_LAYER = re.compile(r"(SA-SDP|SA-WMA|LT-DFT|LT-DCT|DSC-5|DSC-9):([1-9]\d{0,3}):([1-9]\d{0,3})x([1-9])")
_HIDDEN = re.compile(r"[1-9]\d{0,3}")

OPTIONS: tuple[tuple[int, ...], ...] = (HIDDEN, DEPTHS, *_OF_LAYER * max(DEPTHS))
"""Hidden size, number of layers, and of each of four layers the operation, heads, width and number of feed-forward
layers; where there are two, the third and fourth repeat the first and second."""

NAMES: tuple[str, ...] = (
    *("hidden", "layers"),
    *(
        f"layer{layer}_{what}"
        for layer in range(1, max(DEPTHS) + 1)
        for what in ("operation", "heads", "width", "feed_forward_layers")
    ),
)
"""What each of `OPTIONS` is."""


@dataclass(frozen=True)
class EncoderLayer:
    """A layer as declared: its operation with its heads, and `n_feed_forward` layers of `width`."""

    operation: str
    heads: int
    width: int
    n_feed_forward: int


@dataclass(frozen=True)
class Structure:
    """A network as declared."""

    hidden: int
    layers: tuple[EncoderLayer, ...]


@dataclass(frozen=True)
class LayerPlan:
    """A layer as built; `widths` are those between the linear layers of its feed-forward part."""

    operation: str
    heads: int
    widths: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """A network as built."""

    hidden: int
    layers: tuple[LayerPlan, ...]


def read(arch: str) -> Structure:
    """The structure that a string declares, `hidden|operation:heads:widthxN|...`.

    Raises:
        ValueError: if the string is not of that form; its values are not checked.
    """
    hidden, *layers = arch.split("|")
    found = [_LAYER.fullmatch(layer) for layer in layers]
    if not _HIDDEN.fullmatch(hidden) or len(found) not in DEPTHS or not all(found):
        raise ValueError(f"'{arch}' is not of the form hidden|operation:heads:widthxN|...")
    parts = [match.groups() for match in found if match]
    return Structure(int(hidden), tuple(EncoderLayer(parts[0], *map(int, parts[1:])) for parts in parts))


def write(made: Structure) -> str:
    """The string that declares a structure."""
    layers = (f"{each.operation}:{each.heads}:{each.width}x{each.n_feed_forward}" for each in made.layers)
    return "|".join([str(made.hidden), *layers])


def choices_of(made: Structure) -> Choices:
    """The numbers of `OPTIONS` of a structure."""
    layers = made.layers * (max(DEPTHS) // len(made.layers))
    numbers = ((OPERATIONS.index(each.operation), each.heads, each.width, each.n_feed_forward) for each in layers)
    return (made.hidden, len(made.layers), *(number for layer in numbers for number in layer))


def structure_of(choices: Choices) -> Structure:
    """The structure that numbers of `OPTIONS` describe; those of layers that it does not have mean nothing."""
    hidden, n_layers, *rest = choices
    layers = [rest[at : at + _PER_LAYER] for at in range(0, n_layers * _PER_LAYER, _PER_LAYER)]
    return Structure(hidden, tuple(EncoderLayer(OPERATIONS[operation], *others) for operation, *others in layers))


def n_chosen(made: Structure) -> int:
    """How many of `OPTIONS` say something of a structure: they come first."""
    return 2 + _PER_LAYER * len(made.layers)


def doubled(made: Structure) -> bool:
    """Whether the third and fourth layer repeat the first and second, so that half of them is a network nearby."""
    half = len(made.layers) // 2
    return len(made.layers) == max(DEPTHS) and made.layers[:half] == made.layers[half:]


def declared(made: Structure) -> Plan:
    """The network that the published hyperparameters declare."""
    layers = (LayerPlan(each.operation, each.heads, (each.width,) * each.n_feed_forward) for each in made.layers)
    return Plan(made.hidden, tuple(layers))


def trained(made: Structure) -> Plan:
    """The network that the public code of the training makes.

    Whether an operation is self-attention is asked by identity with a string, which one from a file never has: all
    layers become plain attention. The first feed-forward layer has 4 times the hidden size; the width is of the others.
    """
    layers = (
        LayerPlan(PLAIN_ATTENTION, each.heads, (4 * made.hidden, *[each.width] * (each.n_feed_forward - 1)))
        for each in made.layers
    )
    return Plan(made.hidden, tuple(layers))


def as_declared(made: Structure) -> Structure:
    """The structure itself: no two declare the same network."""
    return made


def as_measured(made: Structure) -> Structure:
    """The structure whose declared network the scoring code builds: hidden size and widths are its defaults."""
    return Structure(MEASURED_HIDDEN, tuple(replace(each, width=MEASURED_WIDTH) for each in made.layers))


def as_trained(made: Structure) -> Structure:
    """A structure with the same trained network, equal for all that have it."""
    layers = (
        replace(each, operation=PLAIN_ATTENTION, width=each.width if each.n_feed_forward > 1 else max(WIDTHS))
        for each in made.layers
    )
    return Structure(made.hidden, tuple(layers))
