"""A training job: network, data set, recipe and run location."""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

import torch
from torch import nn

from harness.errors import OptionError
from harness.inputs import DataSet
from harness.space import Architecture, SearchSpace
from harness.space.initialise import Initialisation
from harness.train.recipe import Recipe


@dataclass(frozen=True)
class Job:
    """Everything that determines the trained network.

    Raises:
        OptionError: if the benchmark does not have the data set, or its targets are not classes.
        UnknownNameError: if the space lacks the architecture.
    """

    space: SearchSpace
    arch: Architecture
    data_set: DataSet
    recipe: Recipe
    seed: int = 0
    init: Initialisation = Initialisation.default

    def __post_init__(self) -> None:
        self.space.check(self.arch)
        if self.space.enumerable and self.data_set.name not in self.space.data_sets:
            known = ", ".join(self.space.data_sets)
            raise OptionError(
                f"The benchmark {self.space.name} has no data set '{self.data_set.name}'; it has {known}."
            )
        if type(self.data_set).loss is not DataSet.loss:
            raise OptionError(f"{self.data_set.name} has no classes; only classification can be trained.")

    def network(self) -> nn.Module:
        """The network before training, on the CPU."""
        network = self.space.network(self.arch, self.data_set, init=self.init, seed=self.seed)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = self.recipe.norm_momentum
        return network

    @property
    def description(self) -> str:
        """Canonical JSON of the job: equal for jobs that train the same network."""
        values = {
            "bench": f"{self.space.name}@{self.space.version}",
            "arch": self.arch,
            "dataset": self.data_set.name,
            "seed": self.seed,
            "init": self.init.value,
            "recipe": asdict(self.recipe),
        }
        return json.dumps(
            values, sort_keys=True, default=lambda value: value.value if isinstance(value, Enum) else str(value)
        )

    @property
    def label(self) -> str:
        """Identifies the architecture in a file name."""
        number = self.space.number(self.arch)
        return short_hash(self.arch) if number is None else str(number)


def short_hash(text: str) -> str:
    """The first eight hexadecimal digits of a text's sha256."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class RunLocation:
    """Where a job runs, without effect on the result: output folder, device, and folder of images."""

    out: Path
    device: torch.device
    images: Path
    data: Path | None = None
    workers: int = 4
    resume: bool = True
