"""Search spaces: architectures, their canonical forms, their layers and their networks."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import ClassVar, Literal, NewType, Self

import numpy as np
from numpy.typing import NDArray
from torch import nn

from harness.errors import OptionError, UnknownNameError
from harness.inputs import DataSet
from harness.registry import Registry
from harness.space.graph import ArchitectureGraph
from harness.space.initialise import Initialisation, materialise, on_meta

Architecture = NewType("Architecture", str)
"""A point of a search space, named by its official string."""

Execute = Literal["live", "all"]
"""`live` runs the operations on a path from input to output; `all` runs all of them, as the official code does."""


@dataclass(frozen=True)
class Layer:
    """A convolution or linear layer with its normalisation, counted without building a network.

    `n_weights` are the entries of the weight tensor; `n_params` adds biases and normalisation parameters; `flops` are
    multiply-accumulates per image, plus one per output for a linear layer's bias. One `Layer` describes `repeats` equal
    layers. A layer is live if it lies on a path from the network's input to its output.
    """

    n_weights: int
    n_params: int
    flops: int
    live: bool
    repeats: int = 1
    is_linear: bool = False


@dataclass(frozen=True)
class ConcatenatingCell:
    """A chain of `depth` layers of `width` channels, each of which reads the previous one and channels of earlier ones.

    `n_skip_links` is the number of channel-to-channel links that skip at least one layer.
    """

    width: int
    depth: int
    n_skip_links: int


@dataclass(frozen=True, eq=False)
class LayerTable:
    """The layers of several architectures, the fields of `Layer` as arrays [n_archs, n_layers].

    Where an architecture has no layer, `repeats` and all other fields are 0. `depth` and `elementwise_flops` [n_archs]
    are those of `SearchSpace`, None if the space does not define them.
    """

    n_weights: NDArray[np.int64]
    n_params: NDArray[np.int64]
    flops: NDArray[np.int64]
    live: NDArray[np.bool_]
    repeats: NDArray[np.int64]
    is_linear: NDArray[np.bool_]
    depth: NDArray[np.int64] | None = None
    elementwise_flops: NDArray[np.int64] | None = None

    @classmethod
    def of_layers(
        cls,
        layers: Sequence[Sequence[Layer]],
        *,
        depths: Sequence[int | None] = (None,),
        elementwise_flops: Sequence[int | None] = (None,),
    ) -> Self:
        """The table of each architecture's layers."""
        n_layers = max(map(len, layers), default=0)
        absent = Layer(0, 0, 0, live=False, repeats=0)
        rows = [[*found, *[absent] * (n_layers - len(found))] for found in layers]
        fields = ("n_weights", "n_params", "flops", "live", "repeats", "is_linear")
        table = np.array([[[getattr(layer, name) for layer in row] for row in rows] for name in fields], dtype=np.int64)
        weights, params, flops, live, repeats, linear = table.reshape(len(fields), len(rows), n_layers)
        known = (_known(depths), _known(elementwise_flops))
        return cls(weights, params, flops, live.astype(bool), repeats, linear.astype(bool), *known)

    def row(self, index: int) -> list[Layer]:
        """The layers of one architecture."""
        columns = (self.n_weights, self.n_params, self.flops, self.live, self.repeats, self.is_linear)
        found = [Layer(*layer) for layer in zip(*(column[index].tolist() for column in columns), strict=True)]
        return [layer for layer in found if layer.repeats]


def _known(counts: Sequence[int | None]) -> NDArray[np.int64] | None:
    """The counts of several architectures, None if one is undefined."""
    found = [count for count in counts if count is not None]
    return np.array(found, dtype=np.int64) if len(found) == len(counts) else None


class SearchSpace(ABC):
    """One benchmark's search space. Subclasses are registered in `BENCHMARKS` under their `name`.

    One that is too large to list is an `OpenSpace`.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]]

    @property
    @abstractmethod
    def architectures(self) -> Sequence[Architecture]:
        """All architectures in the benchmark's official index order.

        Raises:
            OptionError: if there are too many to list (`enumerable` is False).
        """

    @property
    def enumerable(self) -> bool:
        """Whether `architectures` can be listed and numbered."""
        return True

    @property
    def start(self) -> Architecture:
        """The default start of a search, and an example of the notation."""
        return self.architectures[0]

    def index(self, arch: Architecture) -> int:
        """The index of an architecture in the official order.

        Raises:
            UnknownNameError: if the space lacks it.
        """
        return self._places[self.check(arch)]

    @cached_property
    def _places(self) -> dict[Architecture, int]:
        return {arch: place for place, arch in enumerate(self.architectures)}

    @abstractmethod
    def canonical(self, arch: Architecture) -> Architecture:
        """The first architecture, in official order, that computes the same function with the same operations."""

    def canonical_forms(self, archs: Sequence[Architecture]) -> list[Architecture]:
        """The canonical form of each; large spaces override it with a faster implementation."""
        return [self.canonical(arch) for arch in archs]

    @abstractmethod
    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        """The layers of the official network, including dead ones."""

    def layer_table(self, archs: Sequence[Architecture], data_set: DataSet) -> LayerTable:
        """The layers of many architectures at once; large spaces override it with a faster implementation."""
        return LayerTable.of_layers(
            [self.layers(arch, data_set) for arch in archs],
            depths=[self.depth(arch, data_set) for arch in archs],
            elementwise_flops=[self.elementwise_flops(arch, data_set) for arch in archs],
        )

    def depth(self, arch: Architecture, data_set: DataSet) -> int | None:
        """The largest number of convolutions and linear layers on a live path from input to output, 0 without a path.

        None if the space does not define it.
        """
        return None

    def elementwise_flops(self, arch: Architecture, data_set: DataSet) -> int | None:
        """FLOPs per image of the official network outside its layers, including dead operations.

        2 for each output of a normalisation, 1 for each output of an activation and each input of a pooling; sums are
        not counted. None if the space does not define it.
        """
        return None

    def concatenating_cells(self, arch: Architecture, data_set: DataSet) -> Sequence[ConcatenatingCell]:
        """The cells whose layers read concatenations of earlier layers, as in a DenseNet; empty for most spaces."""
        return ()

    @abstractmethod
    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        """The network's modules, before their parameters are drawn.

        Contains every module of the official network. `network.init_keys` maps the name of each module with parameters
        to the key that, with the seed, determines them: equal for the live modules of architectures with the same
        canonical form. `network.cells`, if present, names the modules after which a proxy may read features: the end
        of the stem, then each cell or block in order.
        """

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        """The architecture as a graph for drawing; by default its name between input and output.

        Labels that begin with `conv 3x3`, `conv 1x1`, `avg pool`, `max pool` or `skip` have fixed colours.

        Raises:
            UnknownNameError: if the space lacks it.
        """
        return ArchitectureGraph.chain(["input", self.check(arch), "output"], f"An architecture of {self.name}.")

    @abstractmethod
    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        """A neighbour of `arch`, drawn uniformly."""

    @abstractmethod
    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """The architectures one mutation away, without `arch` itself."""

    def random(self, rng: Random) -> Architecture:
        """An architecture drawn uniformly."""
        return rng.choice(self.architectures)

    def as_scored(self, *, residuals: bool, squeeze_excitation: bool) -> "SearchSpace":
        """The space with the networks that a protocol scores; counts remain those of the official networks.

        Raises:
            OptionError: if its networks have no residual links or no squeeze-and-excitation to remove.
        """
        if not residuals or squeeze_excitation:
            setting = "residuals=false" if not residuals else "squeeze_excitation=true"
            raise OptionError(
                f"protocol.{setting} is invalid for {self.name}, which has a single network per architecture: it is "
                "for spaces whose networks are scored in a different form than they are trained, such as imagenet_mbv2."
            )
        return self

    def network(
        self,
        arch: Architecture,
        data_set: DataSet,
        *,
        execute: Execute = "live",
        init: Initialisation = Initialisation.default,
        seed: int = 0,
    ) -> nn.Module:
        """The network of `arch` at initialisation, on the CPU, in float32 and train mode.

        Input [batch, *data_set.shape]; output as `data_set.loss` expects: logits [batch, n_classes] for classification.
        """
        self.check(arch)
        with on_meta():
            network = self.assemble(arch, data_set, execute)
        return materialise(network, init=init, seed=seed)

    def params(self, arch: Architecture, data_set: DataSet, *, live: bool = False) -> int:
        """Number of trainable parameters of the official network, or of its live layers only."""
        return sum(layer.n_params * layer.repeats for layer in self._counted(arch, data_set, live))

    def flops(self, arch: Architecture, data_set: DataSet, *, live: bool = False) -> int:
        """Multiply-accumulates per image by the counter of the nats_bench package, or of the live layers only."""
        return sum(layer.flops * layer.repeats for layer in self._counted(arch, data_set, live))

    def costs(self, arch: Architecture, data_set: DataSet) -> dict[str, float]:
        """Counts that a budget can limit, by name: `params`, `flops`, and further counts of the space."""
        return {"params": self.params(arch, data_set), "flops": self.flops(arch, data_set)}

    def check(self, arch: str) -> Architecture:
        """`arch`, checked to be in this space.

        Raises:
            UnknownNameError: if it is not.
        """
        if arch not in self:
            raise UnknownNameError(f"'{arch}' is not an architecture of {self.name}; an example is '{self.start}'.")
        return Architecture(arch)

    @abstractmethod
    def __contains__(self, arch: str) -> bool: ...

    def _counted(self, arch: Architecture, data_set: DataSet, live: bool) -> Iterator[Layer]:
        return (layer for layer in self.layers(arch, data_set) if layer.live or not live)


class OpenSpace(SearchSpace):
    """A search space that is too large to list: architectures can be drawn, parsed and mutated, but have no index."""

    @property
    def architectures(self) -> Sequence[Architecture]:
        raise OptionError(
            f"{self.name} has too many architectures to list or index; name one, such as '{self.start}', or "
            f"search with `python -m harness.search bench={self.name}`."
        )

    @property
    def enumerable(self) -> bool:
        return False

    @property
    @abstractmethod
    def start(self) -> Architecture: ...

    @abstractmethod
    def random(self, rng: Random) -> Architecture:
        """An architecture drawn from the distribution that the space defines."""


BENCHMARKS: Registry[SearchSpace] = Registry("benchmark", "benchmarks")
