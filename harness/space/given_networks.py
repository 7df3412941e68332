"""Spaces of networks without a class of their own: those of a plain function, and objects of this process."""

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from torch import nn

from harness.inputs import DataSet
from harness.space.build_function import call_build, n_arguments
from harness.space.model_space import KEYED, ModelSpace
from harness.space.notation import Architecture
from harness.space.sources import digest_of_sources


class FunctionSpace(ModelSpace):
    """Networks that a plain function builds, with the names that a file of accuracies or scores has."""

    name: str  # type: ignore[misc]

    def __init__(self, name: str, build: Callable[..., nn.Module], names: Sequence[str] | None) -> None:
        self.name = name
        self.build = build
        self._any_name = names is None
        if names is not None:
            self.architectures = tuple(names)

    def __contains__(self, arch: str) -> bool:
        return self._any_name or super().__contains__(arch)

    def _split(self, arch: str) -> tuple[str, str]:
        if self._any_name:
            name, _, digests = arch.rpartition(KEYED)
            return (name, digests) if name else (arch, "")
        return super()._split(arch)

    def check(self, arch: str) -> Architecture:
        """`arch`; any name, where a worker process is not told which there are."""
        return Architecture(arch) if self._any_name else super().check(arch)


class GivenModels(ModelSpace):
    """Networks that are objects of this process: functions that build them, or modules, which keep their weights."""

    name: str  # type: ignore[misc]

    def __init__(
        self, models: Mapping[str, nn.Module | Callable[..., nn.Module]], accuracies: Mapping[str, float]
    ) -> None:
        self.name = "models"
        self.architectures = tuple(models)
        self._models = dict(models)
        self._accuracies = dict(accuracies)

    def build(self, arch: str, data_set: DataSet) -> nn.Module:
        """What a function returns, or a copy of a module."""
        model = self._models[arch]
        if isinstance(model, nn.Module):
            return copy.deepcopy(model)
        made: nn.Module = call_build(model, arch, data_set) if n_arguments(model, least=0) else model()
        return made

    def accuracies(self, data_set: DataSet) -> Mapping[str, float]:
        """As given."""
        return self._accuracies

    @cached_property
    def _key(self) -> str:
        functions = [model for model in self._models.values() if not isinstance(model, nn.Module)]
        return f"{self.name}@{digest_of_sources(*functions)}"

    def _called(self, arch: str) -> str:
        model = self._models[self._split(arch)[0]]
        return f"The function for '{arch}'" if not isinstance(model, nn.Module) else f"The module '{arch}'"
