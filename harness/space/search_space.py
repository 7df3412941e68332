"""Search spaces: architectures, their canonical forms, their layers and their networks."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from random import Random
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from harness.errors import OptionError, UnknownNameError
from harness.inputs import DataSet, OwnData
from harness.registry import Registry
from harness.space.graph import ArchitectureGraph
from harness.space.initialise import Initialisation, materialise, on_meta
from harness.space.layers import ConcatenatingCell, Layer, LayerTable
from harness.space.notation import INDEX, OFFICIAL, Architecture, Notation, hint, index_in
from harness.space.reference import ReferenceCheck

Execute = Literal["live", "all"]
"""`live` runs the operations on a path from input to output; `all` runs all of them, as the official code does."""


class SearchSpace(ABC):
    """One benchmark's search space. Subclasses are registered in `BENCHMARKS` under their `name`.

    One that is too large to list is an `OpenSpace`, or a `SampledSpace` if some of its networks were trained.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]]
    populations: ClassVar[Mapping[str, str]] = {
        "all": "every architecture",
        "canonical": "one architecture of each canonical class, the first in official order",
    }
    """Parts of the space that statements are about, by name, in words; a space adds its own to these two."""
    default_truth: ClassVar[Mapping[str, str | Sequence[str]]] = {}
    """Per data set the column of ground truth that is meant unless another is named, or several, of which the first one
    that is known for every architecture is meant. A column of a file, `accuracies.csv:COLUMN`, is one too: relative to
    the file of the space. A file `conf/benchmarks/<name>.yaml` goes before it."""

    @property
    def word(self) -> str:
        """What `bench=` takes for this space."""
        return self.name

    @property
    def is_own(self) -> bool:
        """Whether it is a user's own, which states accuracies itself; a benchmark has tables of truth."""
        return False

    @property
    def key(self) -> str:
        """What the key of a score says of the space: everything that its networks depend on but the architecture."""
        return f"{self.name}@{self.version}"

    def keyed(self, archs: Sequence[Architecture], data_set: DataSet, seed: int | None) -> Sequence[Architecture]:
        """What scores of architectures are stored under: their names, as `key` says what a name stands for.

        A space whose networks may change adds digests of the network, and of the initial weights that belong to a seed.
        """
        return archs

    def takes(self, data_set: str) -> bool:
        """Whether its networks run on a data set."""
        return data_set in self.data_sets

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
    def complete(self) -> bool:
        """Whether `architectures` are the whole space; False in a `SampledSpace`, where they are the trained ones."""
        return self.enumerable

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

    def number(self, arch: Architecture) -> int | None:
        """The index of an architecture, None if it has none: in a space that lists no architectures, or not this one.

        Raises:
            UnknownNameError: if the space lacks it.
        """
        return self.index(arch) if self.enumerable else None

    @cached_property
    def _places(self) -> dict[Architecture, int]:
        return {arch: place for place, arch in enumerate(self.architectures)}

    @abstractmethod
    def canonical(self, arch: Architecture) -> Architecture:
        """The first architecture, in official order, that computes the same function with the same operations."""

    def canonical_forms(self, archs: Sequence[Architecture]) -> list[Architecture]:
        """The canonical form of each; large spaces override it with a faster implementation."""
        return [self.canonical(arch) for arch in archs]

    def members(self, population: str) -> NDArray[np.bool_]:
        """Whether each architecture [n_archs], in official order, belongs to one of `populations`.

        A space that names others overrides this for them.
        """
        archs = self.architectures
        if population == "canonical":
            return np.array([arch == form for arch, form in zip(archs, self.canonical_forms(archs), strict=True)])
        return np.ones(len(archs), dtype=np.bool_)

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

    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        """A neighbour of `arch`, drawn uniformly; a space overrides it where drawing one is cheaper, or not uniform."""
        return rng.choice(self.neighbours(arch))

    @property
    def has_neighbours(self) -> bool:
        """Whether some architectures are nearer to one than others, so that a search can mutate them."""
        return True

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

    def unfit(self, data_set: DataSet) -> str:
        """Why no network can be made for a data set of a user's own, to follow "because"; empty if it can.

        A space overrides this for what its networks and counts do not take.
        """
        return ""

    def params(self, arch: Architecture, data_set: DataSet, *, live: bool = False) -> int:
        """Number of trainable parameters of the official network, or of its live layers only."""
        return sum(layer.n_params * layer.repeats for layer in self._counted(arch, data_set, live))

    def flops(self, arch: Architecture, data_set: DataSet, *, live: bool = False) -> int:
        """Multiply-accumulates per image by the counter of the nats_bench package, or of the live layers only."""
        return sum(layer.flops * layer.repeats for layer in self._counted(arch, data_set, live))

    def costs(self, arch: Architecture, data_set: DataSet) -> dict[str, float]:
        """Counts that a budget can limit, by name: `params`, `flops`, and further counts of the space."""
        return {"params": self.params(arch, data_set), "flops": self.flops(arch, data_set)}

    def nearest(self, arch: Architecture, n: int) -> Sequence[tuple[Architecture, int]]:
        """The trained architectures nearest to one that was not trained, with their distances; none for most spaces."""
        return ()

    def check(self, arch: str) -> Architecture:
        """`arch`, checked to be in this space.

        Raises:
            UnknownNameError: if it is not.
        """
        if arch not in self:
            raise UnknownNameError(f"'{arch}' is not an architecture of {self.name}; an example is '{self.start}'.")
        return Architecture(arch)

    def reference_checks(self) -> Iterator[ReferenceCheck]:
        """Comparisons with the package of the benchmark's authors, or with the port that the field uses; none here.

        Raises:
            ImportError: if the package is not installed.
        """
        yield from ()

    @cached_property
    def notations(self) -> dict[str, Notation]:
        """The ways to write an architecture, by name: the official string, the official index, those of the space."""
        found = [Notation(OFFICIAL, "the official string", self.read_official, str)]
        if self.enumerable:
            words = "the place in the official order, from 0"
            found.append(Notation(INDEX, words, self._at_index, self._index_text))
        return {notation.name: notation for notation in (*found, *self.further_notations())}

    def further_notations(self) -> Sequence[Notation]:
        """The ways to write an architecture besides string and index; a space adds those that its field uses."""
        return ()

    def read_official(self, text: str) -> Architecture | None:
        """The architecture of an official string, blanks left aside; None if it is none."""
        for name in (text, text.strip(), "".join(text.split())):
            if name in self:
                return Architecture(name)
        return None

    def _at_index(self, text: str) -> Architecture | None:
        index = index_in(text)
        if index is None:
            return None
        n_archs = len(self.architectures)
        if index >= n_archs:
            raise UnknownNameError(f"{self.name} has no architecture {index}; its indices are 0 to {n_archs - 1}.")
        return self.architectures[index]

    def _index_text(self, arch: Architecture) -> str:
        return str(self.index(arch))

    def find(self, word: str) -> Architecture:
        """The architecture that a user means: in any of `notations`, or by the beginning of its official string.

        A word of digits that is both an index and a beginning is the index. A space that cannot be listed knows
        no beginnings.

        Raises:
            UnknownNameError: if there is none.
            OptionError: if several begin like this, it has two meanings, or the index is too large.
        """
        official = self.read_official(word)
        if official is not None:
            return official
        index = index_in(word) if self.enumerable else None
        if index is not None and index < len(self.architectures):
            return self.architectures[index]
        written = self._written(word)
        if written is not None:
            return written
        if not self.enumerable:
            return self.check(word)
        n_archs = len(self.architectures)
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
        raise UnknownNameError(f"'{word}' is not an architecture of {self.name}{hint(self, word)}")

    def _written(self, word: str) -> Architecture | None:
        """The architecture that a word is in the further notations; None if it is in none of them."""
        meanings: dict[str, Architecture] = {}
        for name, notation in self.notations.items():
            if name in (OFFICIAL, INDEX):
                continue
            try:
                arch = notation.read(word)
            except UnknownNameError as reason:
                said = f"'{word}' is not an architecture of {self.name}: {str(reason).rstrip('.')}."
                raise UnknownNameError(said) from None
            if arch is not None:
                meanings[name] = arch
        if len(set(meanings.values())) > 1:
            (first, one), (other, two), *_ = meanings.items()
            raise OptionError(
                f"'{word}' has two meanings in {self.name}: {one} as {first}, and {two} as {other}. Give the official "
                "string, which `nas-harness convert` writes with --from."
            )
        return next(iter(meanings.values()), None)

    def beginning_with(self, prefix: str) -> Sequence[Architecture]:
        """The architectures whose official strings begin with `prefix`, in official order."""
        return [arch for arch in self.architectures if arch.startswith(prefix)]

    def label(self, arch: Architecture) -> str:
        """A short name for plots and file names: the index, or of the string of a space without numbers the hash.

        Raises:
            UnknownNameError: if the space lacks it.
        """
        number = self.number(arch)
        if number is not None:
            return str(number)
        return hashlib.sha256(self.check(arch).encode()).hexdigest()[:8]

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


def refuse_unfit(space: SearchSpace, data_set: DataSet) -> None:
    """Nothing, if the space has networks for a data set.

    Raises:
        OptionError: if it has none, with the reason.
    """
    if isinstance(data_set, OwnData):
        reason = space.unfit(data_set)
        if reason:
            raise OptionError(f"dataset={data_set.name} is invalid for {space.name}, because {reason}.")


BENCHMARKS: Registry[SearchSpace] = Registry("benchmark", "benchmarks")
