"""Search spaces: architectures, their canonical forms, their layers and their networks."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from random import Random
from typing import ClassVar, Literal, NewType

from torch import nn

from harness.errors import OptionError, UnknownNameError
from harness.inputs import DataSet
from harness.registry import Registry
from harness.space.graph import ArchitectureGraph
from harness.space.initialise import Initialisation, materialise, on_meta
from harness.space.layers import ConcatenatingCell, Layer, LayerTable
from harness.space.reference import ReferenceCheck

Architecture = NewType("Architecture", str)
"""A point of a search space, named by its official string."""

Execute = Literal["live", "all"]
"""`live` runs the operations on a path from input to output; `all` runs every one, as the official code does."""


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
            OptionError: if there are too many to list, which `enumerable` tells beforehand.
        """

    @property
    def enumerable(self) -> bool:
        """Whether `architectures` can be listed and numbered."""
        return True

    @property
    def start(self) -> Architecture:
        """The architecture that a search may begin with, and an example of how one is written."""
        return self.architectures[0]

    def index(self, arch: Architecture) -> int:
        """The place of an architecture in the official order.

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
        """The canonical form of each; a space with very many overrides it with something faster."""
        return [self.canonical(arch) for arch in archs]

    @abstractmethod
    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        """The layers of the official network, dead ones included."""

    def layer_table(self, archs: Sequence[Architecture], data_set: DataSet) -> LayerTable:
        """The layers of many architectures at once; a space with very many overrides it with something faster."""
        return LayerTable.of_layers(
            [self.layers(arch, data_set) for arch in archs],
            depths=[self.depth(arch, data_set) for arch in archs],
            elementwise_flops=[self.elementwise_flops(arch, data_set) for arch in archs],
        )

    def depth(self, arch: Architecture, data_set: DataSet) -> int | None:
        """Most convolutions and linear layers on one live path from input to output, 0 where there is no path.

        None where the space does not say.
        """
        return None

    def elementwise_flops(self, arch: Architecture, data_set: DataSet) -> int | None:
        """What the official network does to one image beside its layers, dead operations included.

        2 for each number that a normalisation gives, 1 for each that an activation gives or a pooling reads; sums are
        not counted. None where the space does not say.
        """
        return None

    def concatenating_cells(self, arch: Architecture, data_set: DataSet) -> Sequence[ConcatenatingCell]:
        """The cells whose layers read concatenations of earlier ones, as in a DenseNet; most spaces have none."""
        return ()

    @abstractmethod
    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        """The network's modules, parameters not yet drawn.

        Holds every module of the official network. `network.init_keys` maps the name of each module with own parameters
        to the text from which, with the seed, its parameters are drawn: equal for the live modules of canonical-equal
        architectures. `network.cells`, if there, names the modules after which a proxy may read features: what ends the
        stem, and then each cell or block of the chain that follows, in order.
        """

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        """The architecture as a graph to look at; a space that overrides nothing shows its name between two ends.

        Labels that begin with `conv 3x3`, `conv 1x1`, `avg pool`, `max pool` or `skip` have one colour in all pictures.

        Raises:
            UnknownNameError: if the space lacks it.
        """
        return ArchitectureGraph.chain(["input", self.check(arch), "output"], f"An architecture of {self.name}.")

    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        """A neighbour of `arch`, drawn uniformly; a space overrides it where drawing one is cheaper, or not uniform."""
        return rng.choice(self.neighbours(arch))

    @abstractmethod
    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """The architectures one mutation away, `arch` itself left out."""

    def random(self, rng: Random) -> Architecture:
        """An architecture drawn uniformly."""
        return rng.choice(self.architectures)

    def as_scored(self, *, residuals: bool, squeeze_excitation: bool) -> "SearchSpace":
        """The space whose networks are those that a protocol scores; counts stay those of the official networks.

        Raises:
            OptionError: if its networks have no links that could be left out, or no squeeze-and-excitation.
        """
        if not residuals or squeeze_excitation:
            setting = "residuals=false" if not residuals else "squeeze_excitation=true"
            raise OptionError(
                f"protocol.{setting} cannot work for {self.name}, which has one network for each architecture; it is "
                "for spaces whose networks are trained otherwise than they are scored, as those of imagenet_mbv2."
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
        """The network of `arch` at initialisation, on the CPU, float32, in train mode.

        Input [batch, *data_set.shape], output as `data_set.loss` takes it: logits [batch, n_classes] for classes.
        """
        self.check(arch)
        with on_meta():
            network = self.assemble(arch, data_set, execute)
        return materialise(network, init=init, seed=seed)

    def params(self, arch: Architecture, data_set: DataSet, *, live: bool = False) -> int:
        """Number of trainable parameters of the official network, or of its live layers alone."""
        return sum(layer.n_params * layer.repeats for layer in self._counted(arch, data_set, live))

    def flops(self, arch: Architecture, data_set: DataSet, *, live: bool = False) -> int:
        """Multiply-accumulates per image by the nats_bench package's counter, or of the live layers alone."""
        return sum(layer.flops * layer.repeats for layer in self._counted(arch, data_set, live))

    def costs(self, arch: Architecture, data_set: DataSet) -> dict[str, float]:
        """What a budget may limit, by name: `params`, `flops`, and what a space counts besides."""
        return {"params": self.params(arch, data_set), "flops": self.flops(arch, data_set)}

    def check(self, arch: str) -> Architecture:
        """`arch`, known to be of this space.

        Raises:
            UnknownNameError: if it is not.
        """
        if arch not in self:
            raise UnknownNameError(f"'{arch}' is not an architecture of {self.name}; one looks like '{self.start}'.")
        return Architecture(arch)

    def reference_checks(self) -> Iterator[ReferenceCheck]:
        """Comparisons with the package of the benchmark's authors, or with the port that the field uses; none here.

        Raises:
            ImportError: if the package is not installed.
        """
        yield from ()

    def find(self, word: str) -> Architecture:
        """The architecture that a user means: by its official string, its index, or the beginning of its string.

        A word of digits that is both an index and a beginning is the index. A space that cannot be listed knows
        official strings alone.

        Raises:
            UnknownNameError: if there is none.
            OptionError: if several begin like this, or the index is too large.
        """
        if word in self or not self.enumerable:
            return self.check(word)
        n_archs = len(self.architectures)
        if word.isdecimal() and int(word) < n_archs:
            return self.architectures[int(word)]
        found = self.beginning_with(word) if word else []
        if len(found) == 1:
            return found[0]
        if found:
            raise OptionError(
                f"'{word}' is the beginning of {len(found):,} architectures of {self.name}, such as '{found[0]}' and "
                f"'{found[1]}'. Give more of it, or an index from 0 to {n_archs - 1}."
            )
        if word.isdecimal():
            raise OptionError(f"{self.name} has no architecture {word}; its indices are 0 to {n_archs - 1}.")
        return self.check(word)

    def beginning_with(self, prefix: str) -> Sequence[Architecture]:
        """The architectures whose official strings begin with `prefix`, in official order."""
        return [arch for arch in self.architectures if arch.startswith(prefix)]

    def label(self, arch: Architecture) -> str:
        """A short name for plots and file names: the index, or of the string of a space without numbers the hash.

        Raises:
            UnknownNameError: if the space lacks it.
        """
        if self.enumerable:
            return str(self.index(arch))
        return hashlib.sha256(self.check(arch).encode()).hexdigest()[:8]

    @abstractmethod
    def __contains__(self, arch: str) -> bool: ...

    def _counted(self, arch: Architecture, data_set: DataSet, live: bool) -> Iterator[Layer]:
        return (layer for layer in self.layers(arch, data_set) if layer.live or not live)


class OpenSpace(SearchSpace):
    """A search space that is too large to list: architectures are drawn, read and mutated, but have no numbers."""

    @property
    def architectures(self) -> Sequence[Architecture]:
        raise OptionError(
            f"The architectures of {self.name} are too many to list or to number; name one as '{self.start}', or "
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
        """An architecture; the space says from which distribution."""


BENCHMARKS: Registry[SearchSpace] = Registry("benchmark", "benchmarks")
