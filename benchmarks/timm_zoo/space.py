"""timm's zoo: trained ImageNet networks of many families, by the names of the library timm.

Wightman, PyTorch Image Models, https://github.com/huggingface/pytorch-image-models, doi:10.5281/zenodo.4414861.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from random import Random
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.timm_zoo import counts, library
from benchmarks.timm_zoo.populations import MODELS, populations, rows_of
from benchmarks.timm_zoo.rows import Row, listed, published_rows, read_row, row_of_model, sizes_of_model
from harness.errors import OptionError, UnknownNameError
from harness.inputs import DataSet
from harness.space import BENCHMARKS, Architecture, Layer, Notation, PublishedModels, SearchSpace
from harness.space.graph import ArchitectureGraph
from harness.space.tracing import Trace

_N_CLASSES, _N_CHANNELS = 1000, 3


class TimmZoo(PublishedModels):
    """Trained ImageNet networks of the library timm: 1,266 models of 900 networks, at one test size or two.

    A name is a network, the tag of its recipe and the size it was tested at: `resnet50.a1_in1k@224`. Recipes, training
    data and test sizes differ, and a good recipe is worth more than most changes of the network: **the accuracy of a
    row is not that of its network alone**. Correlations are therefore computed within recipes, and combined over those
    with ten models or more; the default population has each model once, at its largest test size of at most 224 pixels.
    No model has a second seed, and the validation images have been used to choose many of these models.

    Wightman, PyTorch Image Models, https://github.com/huggingface/pytorch-image-models,
    doi:10.5281/zenodo.4414861, Apache-2.0; the trained weights, which are not used here, have licences of their own.

    Every network gets inputs of its own size, standardised by ImageNet's mean and standard deviation; its own crop,
    interpolation and normalisation are not used. Truth and pictures need no timm, nor do the counts of networks that
    are in the table of counts, among them nearly all small ones; other networks are counted when they are asked for.
    For that, and to be scored, networks need it, in the version 1.0.31 or another that still has them.
    """

    name: ClassVar[str] = "timm"
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]] = ("imagenet",)
    default_truth: ClassVar[Mapping[str, str | Sequence[str]]] = {"imagenet": "val_top1"}
    default_population: ClassVar[str] = MODELS
    needs_library: ClassVar[bool] = True
    populations: ClassVar[Mapping[str, str]] = {
        "all": "every row: a model at one of its test sizes",
        "canonical": "one row of each network at each size, the first in official order, whatever its recipe",
        **populations(),
    }

    @cached_property
    def architectures(self) -> Sequence[Architecture]:  # type: ignore[override]  # a user's space lists them as it is
        """All rows, in the order of the published file."""
        return tuple(Architecture(row.name) for row in published_rows())

    @property
    def key(self) -> str:
        """Name and version, and that of timm, whose networks may change."""
        return f"{self.name}@{self.version}/timm-{library.installed() or library.REFERENCE}"

    def __contains__(self, arch: str) -> bool:
        return read_row(arch) is not None

    def check(self, arch: str) -> Architecture:
        """`arch`, checked to be a row of the table.

        Raises:
            UnknownNameError: if it is none; with the sizes of the model, where it names one.
        """
        other_sizes = _other_sizes(arch)
        if other_sizes:
            raise UnknownNameError(f"'{arch}' is not an architecture of {self.name}: {other_sizes}.")
        return SearchSpace.check(self, arch)

    def further_notations(self) -> Sequence[Notation]:
        return (Notation("model", "timm's name of a model, at its largest size of at most 224", _of_model, _model),)

    def members(self, population: str) -> NDArray[np.bool_]:
        if population not in populations():
            return super().members(population)
        chosen = rows_of(population)
        return np.array([row in chosen for row in published_rows()])

    def groups(self, archs: Sequence[Architecture]) -> Sequence[str]:
        """The recipes."""
        return [_row(arch).tag for arch in archs]

    def canonical(self, arch: Architecture) -> Architecture:
        """The first row with the same network and size: other recipes for it, and other names of timm's."""
        return self._forms[self._networks[self.index(arch)]]

    @cached_property
    def _networks(self) -> list[tuple[str, int]]:
        """What tells the network of each row: its number, or of one that is not counted its name and size."""
        numbers = zip(published_rows(), counts.network_numbers(), strict=True)
        return [("", number) if number >= 0 else (row.network, row.size) for row, number in numbers]

    @cached_property
    def _forms(self) -> dict[tuple[str, int], Architecture]:
        found: dict[tuple[str, int], Architecture] = {}
        for arch, network in zip(self.architectures, self._networks, strict=True):
            found.setdefault(network, arch)
        return found

    @property
    def has_neighbours(self) -> bool:
        """Never: the table is a list, and no network is made from another."""
        return False

    def input_shape(self, arch: Architecture, data_set: DataSet) -> tuple[int, ...]:
        """The channels of the data at the row's own size."""
        size = _row(arch).size
        return (data_set.shape[0], size, size)

    def unfit(self, data_set: DataSet) -> str:
        if len(data_set.shape) != 3 or data_set.has_indices or len(data_set.parts) > 1:
            return "its networks take images, one at a time"
        return ""

    def require_networks(self, archs: Sequence[Architecture]) -> str:
        """What a run must know before networks are built: those that this version of timm lacks.

        Raises:
            MissingDataError: if timm cannot be imported.
            OptionError: if it has none of the networks.
        """
        named = {_row(arch).network for arch in archs}
        missing = library.missing(named)
        if missing and len(missing) == len(named):
            raise OptionError(
                f"timm {library.installed()} has none of the {len(named):,} networks that are asked for; timm "
                f"{library.REFERENCE} has all of {self.name}."
            )
        if not missing:
            return ""
        n_lost = sum(_row(arch).network in missing for arch in archs)
        return (
            f"timm {library.installed()} lacks {len(missing):,} of {len(named):,} networks, so {n_lost:,} of "
            f"{len(archs):,} architectures have no score: {listed(missing)}"
        )

    def require_counts(self, archs: Sequence[Architecture], data_set: DataSet, n_archs: int) -> None:
        """Make sure that timm is here if the counts of an architecture are not stored.

        Raises:
            MissingDataError: if it cannot be imported.
        """
        n_uncounted = sum(not self._is_counted(arch, data_set) for arch in archs)
        if n_uncounted:
            library.require_for_counts(n_uncounted, n_archs)

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        """From the table of counts; traced for networks not in it and other classes and channels than ImageNet's."""
        if self._is_counted(arch, data_set):
            return counts.layers_of(self.index(arch))
        return self._traced(arch, data_set).layers

    def params(self, arch: Architecture, data_set: DataSet, *, live: bool = False) -> int:
        """From the table of counts; of networks not in it from the built network, which is quicker than a trace."""
        if live or self._is_counted(arch, data_set):
            return super().params(arch, data_set, live=live)
        return library.n_params(_row(arch).network, data_set.n_classes, data_set.shape[0])

    def depth(self, arch: Architecture, data_set: DataSet) -> int | None:
        if self._is_counted(arch, data_set):
            return counts.depth_of(self.index(arch))
        return self._traced(arch, data_set).depth

    def _is_counted(self, arch: Architecture, data_set: DataSet) -> bool:
        of_imagenet = data_set.n_classes == _N_CLASSES and data_set.shape[0] == _N_CHANNELS
        return of_imagenet and counts.is_counted(self.index(arch))

    def _traced(self, arch: Architecture, data_set: DataSet) -> Trace:
        place = (arch, f"{data_set.n_classes}x{data_set.shape[0]}")
        if place not in self._traces:
            self._traces[place] = library.traced(_row(arch), data_set.n_classes, data_set.shape[0])[1]
        return self._traces[place]

    def random(self, rng: Random) -> Architecture:
        """A model of the default population whose network is counted, drawn uniformly."""
        return rng.choice(self._models)

    @cached_property
    def _models(self) -> Sequence[Architecture]:
        members = self.members(MODELS)
        return [arch for at, arch in enumerate(self.architectures) if members[at] and counts.is_counted(at)]

    def build(self, arch: str, data_set: DataSet) -> nn.Module:
        """The network of a row, with the classes and channels of the data."""
        return library.built(_row(arch), data_set.n_classes, data_set.shape[0])

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        """The network between its image and its classes, with its counts where they are known."""
        row, number = _row(self.check(arch)), self.index(arch)
        lines = [row.network]
        if counts.is_counted(number):
            layers = counts.layers_of(number)
            n_params = sum(layer.n_params * layer.repeats for layer in layers)
            flops = sum(layer.flops * layer.repeats for layer in layers)
            lines += [f"{n_params / 1e6:,.2f} M parameters", f"{flops / 1e9:,.2f} G FLOPs"]
            lines.append(f"{counts.depth_of(number)} layers deep")
        labels = [f"image\n3 x {row.size} x {row.size}", "\n".join(lines), f"{_N_CLASSES:,} classes"]
        return ArchitectureGraph.chain(labels, f"A network of timm, trained by the recipe {row.tag}.")


def _row(arch: str) -> Row:
    """The row of a checked name."""
    row = read_row(arch)
    if row is None:
        raise UnknownNameError(f"'{arch}' is not an architecture of {TimmZoo.name}.")
    return row


def _of_model(text: str) -> Architecture | None:
    other_sizes = _other_sizes(text.strip())
    if other_sizes:
        raise UnknownNameError(f"{other_sizes}.")
    row = row_of_model(text.strip())
    return None if row is None else Architecture(row.name)


def _other_sizes(text: str) -> str:
    """At which sizes a model was tested, where a text names it at another one; empty where it does not."""
    model, at, _ = text.partition("@")
    sizes = sizes_of_model(model) if at and read_row(text) is None else []
    return f"{model} was tested at {' and '.join(map(str, sizes))} pixels" if sizes else ""


def _model(arch: Architecture) -> str:
    """The model's name where the row is the one that stands for it, otherwise with the size."""
    row = _row(arch)
    return row.model if row_of_model(row.model) == row else row.name


BENCHMARKS.register("timm")(TimmZoo())
