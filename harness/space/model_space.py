"""A search space of the user's own networks: names, and a function that builds the network of a name.

    class Small(ModelSpace):
        name = "small"
        architectures = ("narrow", "wide")

        def build(self, arch, data_set):
            return MLP(width=8 if arch == "narrow" else 64, n_classes=data_set.n_classes)

Counts are traced, initial weights come from the network's own code, and any `nn.Module` will do.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from harness.errors import PlugInError, UnknownNameError
from harness.inputs import DataSet
from harness.plug_in_code import calling
from harness.randomness import generator, isolated
from harness.registry import unknown_name
from harness.space.build_function import call_build
from harness.space.initialise import Initialisation
from harness.space.layers import Layer, LayerTable
from harness.space.notation import Architecture
from harness.space.own_network import OwnNetwork
from harness.space.search_space import Execute, SearchSpace
from harness.space.sources import digest_of_sources
from harness.space.tracing import Trace, trace

KEYED = "#"
_UNBUILT = "unbuilt"


class ModelSpace(SearchSpace):
    """Named networks of the user's own.

    A subclass gives `name`, `architectures` and `build`. What depends on further things may say so: `canonical` (equal
    names of equal networks), `accuracies` (what is known of trained networks), `data_sets` (where the networks run;
    empty: on any data set).
    """

    data_sets: ClassVar[tuple[str, ...]] = ()
    architectures: Sequence[Any] = ()  # names, as text
    metric: ClassVar[str] = "accuracy"
    """What `accuracies` are; higher is better."""

    build: Callable[..., nn.Module]
    """`build(arch) -> nn.Module` or `build(arch, data_set) -> nn.Module`, a new network each time it is called."""

    def accuracies(self, data_set: DataSet) -> Mapping[str, float]:
        """What the trained networks reached on a data set, by name, higher is better; networks may be missing."""
        return {}

    def canonical(self, arch: Architecture) -> Architecture:
        """The name that stands for all names of an equal network; by default each name is a network of its own."""
        return arch

    @property
    def word(self) -> str:
        """What `bench=` takes for this space: its name, or the path of its file."""
        return getattr(self, "_word", self.name)

    @property
    def is_own(self) -> bool:
        """Whether it is a user's own; see `PublishedModels` for those of benchmarks."""
        return True

    @property
    def key(self) -> str:
        """The name with the sha256 of the files that its networks come from; see `harness.space.sources`."""
        return self._key

    @cached_property
    def _key(self) -> str:
        return f"{self.name}@{digest_of_sources(type(self), self.build)}"

    def __contains__(self, arch: str) -> bool:
        return self._split(arch)[0] in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        names = list(self.architectures)
        wrong = [name for name in names if not (isinstance(name, str) and name.strip() and name.isprintable())]
        if wrong:
            raise PlugInError(f"{self.name} has an architecture named {wrong[0]!r}; names must be printable text.")
        if not names:
            raise PlugInError(f"{self.name} has no architectures; `architectures` must list one name or more.")
        twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
        if twice is not None:
            raise PlugInError(f"{self.name} lists the architecture '{twice}' more than once.")
        return frozenset(names)

    def check(self, arch: str) -> Architecture:
        """`arch`, checked to be in this space.

        Raises:
            UnknownNameError: if it is not.
        """
        if arch not in self:
            raise UnknownNameError(unknown_name(f"architecture of {self.name}", arch, sorted(self._names)[:20]))
        return Architecture(arch)

    def index(self, arch: Architecture) -> int:
        """The place of a name in `architectures`."""
        name = Architecture(self._split(arch)[0])
        self.check(name)
        return self._places[name]

    def takes(self, data_set: str) -> bool:
        """Whether its networks run on a data set."""
        return not self.data_sets or data_set in self.data_sets

    def keyed(self, archs: Sequence[Architecture], data_set: DataSet, seed: int | None) -> Sequence[Architecture]:
        """The names with digests of the structure and, for a seed, of the initial weights.

        A network that cannot be built has no digests; the reason is given when it is to be scored.

        Raises:
            PlugInError: if none can be built.
        """
        found = [self._keyed(arch, data_set, seed) for arch in archs]
        if found and all(name.endswith(f"{KEYED}{_UNBUILT}") for name in found):
            self._made(archs[0], data_set, seed or 0)  # raises
        return found

    def _keyed(self, arch: Architecture, data_set: DataSet, seed: int | None) -> Architecture:
        known = self._known.get((arch, data_set.key, seed or 0))
        if known is None:
            try:
                known = self._made(arch, data_set, seed or 0).digests
            except PlugInError:
                known = (_UNBUILT, "")
            self._known[arch, data_set.key, seed or 0] = known
        if known[0] == _UNBUILT:
            return Architecture(f"{arch}{KEYED}{_UNBUILT}")
        structure, weights = known
        return Architecture(
            f"{arch}{KEYED}{structure}" if seed is None else f"{arch}{KEYED}{structure}-{seed}-{weights}"
        )

    @cached_property
    def _known(self) -> dict[tuple[str, str, int], tuple[str, str]]:
        return {}

    def network(
        self,
        arch: Architecture,
        data_set: DataSet,
        *,
        execute: Execute = "live",
        init: Initialisation = Initialisation.default,
        seed: int = 0,
    ) -> nn.Module:
        """The network of `arch` at initialisation, on the CPU, in float32 and train mode; all of it is executed.

        Raises:
            PlugInError: if `build` raises, returns something else, or another network than before.
        """
        name, digests = self._split(arch)
        self.check(name)
        network = self._made(name, data_set, seed)
        if digests and digests != _UNBUILT:
            self._confirm(network, digests, seed)
        if init is not Initialisation.default:
            network.redraw(init, seed)
        return network

    def _confirm(self, network: OwnNetwork, digests: str, seed: int) -> None:
        """Check that a network is the one whose digests `keyed` has added to its name.

        Raises:
            PlugInError: if it is another one.
        """
        structure, *of_seed = digests.split("-")
        found = network.digests
        if found[0] != structure:
            what = "another network"
        elif of_seed and of_seed[0] == str(seed) and of_seed[1] != found[1]:
            what = "other initial weights"
        else:
            return
        raise PlugInError(
            f"{self._called(network.arch)} returns {what} each time it is called; what it returns must depend on its "
            "arguments and on the global generators of torch, numpy and random alone, which are seeded for it."
        )

    def _made(self, arch: str, data_set: DataSet, seed: int) -> OwnNetwork:
        form = self.canonical(Architecture(arch))
        where = self._called(arch)

        def body(seed: int) -> nn.Module:
            with isolated("weights", seed, form), calling(where):
                made = call_build(self.build, arch, data_set)
            if not isinstance(made, nn.Module):
                raise PlugInError(f"{where} returned {_kind(made)}; it must return a torch.nn.Module.")
            return made.float().train()

        made = body(seed)
        network = OwnNetwork(made, form, self.origin, data_set.parts, body)
        if any(is_lazy(parameter) for parameter in network.parameters()):
            with torch.no_grad(), isolated("weights", seed, form, "lazy"):
                network.eval()(example_of(data_set))
            network.train()
        return network

    @property
    def origin(self) -> str:
        """Where the networks come from, for messages: the file, or the name."""
        return getattr(self, "_file", self.name)

    def _called(self, arch: str) -> str:
        return f"{getattr(self.build, '__name__', 'build')}('{arch}') of {self.origin}"

    def _split(self, arch: str) -> tuple[str, str]:
        """A name, and the digests that `keyed` has added to it."""
        if arch in self._names:
            return arch, ""
        name, _, digests = arch.rpartition(KEYED)
        return (name, digests) if name else (arch, "")

    def traced(self, arch: Architecture, data_set: DataSet) -> Trace:
        """Parameters, FLOPs and depth of a network; the FLOPs are multiply-accumulates of one sample.

        Raises:
            PlugInError: as `network`, and if the forward pass raises.
        """
        name, digests = self._split(arch)
        found = self._traces.get((name, data_set.key))
        if found is None:
            network = self._made(self.check(name), data_set, 0)
            if digests and digests != _UNBUILT:
                self._confirm(network, digests, 0)
            with isolated("trace", name):
                found = trace(network, example_of(data_set))
            self._traces[name, data_set.key] = found
        return found

    @cached_property
    def _traces(self) -> dict[tuple[str, str], Trace]:
        return {}

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        """Parameters and operations as rows; see `harness.space.tracing`."""
        return self.traced(arch, data_set).layers

    def layer_table(self, archs: Sequence[Architecture], data_set: DataSet) -> LayerTable:
        """The rows of several networks."""
        traces = [self.traced(arch, data_set) for arch in archs]
        return LayerTable.of_layers([one.layers for one in traces], depths=[one.depth for one in traces])

    def depth(self, arch: Architecture, data_set: DataSet) -> int | None:
        """See `SearchSpace`."""
        return self.traced(arch, data_set).depth

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        """Not used: networks are built by `build`."""
        return self.network(arch, data_set, execute=execute)

    @property
    def has_neighbours(self) -> bool:
        """Whether the class says which networks are near to one another, by `neighbours` or `mutate`."""
        kind = type(self)
        return kind.neighbours is not ModelSpace.neighbours or kind.mutate is not ModelSpace.mutate

    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """All other networks, unless a space says which ones are near."""
        return [Architecture(other) for other in self.architectures if other != arch]


def example_of(data_set: DataSet) -> Tensor:
    """One sample [1, ...] of the shape of a data set: Gaussian numbers, and 0 for indices."""
    if not data_set.parts:
        return torch.randn(1, *data_set.shape, generator=generator("example", data_set.name))
    pieces = [
        torch.zeros(1, part.size) if part.is_index else torch.randn(1, part.size, generator=generator("example"))
        for part in data_set.parts
    ]
    return torch.cat(pieces, dim=1)


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
