"""Search spaces: what architectures compute, that is their canonical forms, neighbours, layers and networks."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from harness.errors import OptionError
from harness.inputs import DataSet, OwnData
from harness.registry import Registry
from harness.space.graph import ArchitectureGraph
from harness.space.initialise import Initialisation, materialise, on_meta
from harness.space.layers import ConcatenatingCell, Layer, LayerTable
from harness.space.notation import Architecture
from harness.space.reference import ReferenceCheck
from harness.space.structured_set import StructuredSet

Execute = Literal["live", "all"]
"""`live` runs the operations on a path from input to output; `all` runs all of them, as the official code does."""


class SearchSpace(StructuredSet):
    """One benchmark's search space. Subclasses are registered in `BENCHMARKS` under their `name`.

    How its architectures are named, listed and found is what an `ArchitectureSet` says, what they hold and how one
    becomes another a `StructuredSet`; a space adds what they compute. One that is too large to list is an
    `OpenSpace`, or a `SampledSpace` if some of its networks were trained.
    """

    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]]
    populations: ClassVar[Mapping[str, str]] = {
        "all": "every architecture",
        "canonical": "one architecture of each canonical class, the first in official order",
    }
    """Parts of the space that statements are about, by name, in words; a space adds its own to these two."""
    default_population: ClassVar[str] = "all"
    """The one of `populations` that is meant unless another is named."""
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

    def groups(self, archs: Sequence[Architecture]) -> Sequence[str]:
        """The group of each architecture [n_archs] within which accuracies can be compared; empty: all with all.

        Where there are any, correlations are computed within them and combined: see `harness.agreement.within`.
        """
        return ()

    def trained_forms(self, archs: Sequence[Architecture]) -> Sequence[str]:
        """What was trained under each name [n_archs]: equal where accuracies are repetitions of one training.

        Canonical forms, unless the published accuracies are by the evidence those of other networks.
        """
        return self.canonical_forms(archs)

    def input_shape(self, arch: Architecture, data_set: DataSet) -> tuple[int, ...]:
        """The shape of a network's inputs: that of the data, unless networks of the space have sizes of their own."""
        return data_set.shape

    needs_library: ClassVar[bool] = False
    """Whether networks come from a library that the package does not install."""

    def require_networks(self, archs: Sequence[Architecture]) -> str:
        """Make sure that networks can be built, before any is; a sentence without full stop on those that cannot.

        One that several architectures share is listed for each of them.

        Raises:
            MissingDataError, OptionError: if none can.
        """
        return ""

    def require_counts(self, archs: Sequence[Architecture], data_set: DataSet, n_archs: int) -> None:
        """Make sure that architectures can be counted, those of `n_archs` that the score store lacks, before any is.

        Raises:
            MissingDataError: if one cannot, with how many these are.
        """

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

    def reference_checks(self) -> Iterator[ReferenceCheck]:
        """Comparisons with the package of the benchmark's authors, or with the port that the field uses; none here.

        Raises:
            ImportError: if the package is not installed.
        """
        yield from ()

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
