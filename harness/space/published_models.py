"""Networks of any kind in a registered benchmark: transformers and whatever else is no chain of convolutions on images.

As in a space of the user's own, passes take any module and inputs of any kind. Otherwise it is a benchmark like others:
a name stands for one network as long as the version stays the same, and truth comes from tables.
"""

from collections.abc import Sequence

from harness.inputs import DataSet
from harness.space.layers import LayerTable
from harness.space.model_space import ModelSpace
from harness.space.notation import Architecture
from harness.space.search_space import SearchSpace


class PublishedModels(ModelSpace):
    """A space whose networks are built by `build(arch, data_set)`.

    While it runs, the global generators are seeded by the seed and the canonical form. A space may count analytically
    by overriding `layers` and `depth`; otherwise networks are traced. It gives `architectures` and `__contains__`.
    """

    @property
    def is_own(self) -> bool:
        """Never: its truth is in tables."""
        return False

    @property
    def key(self) -> str:
        """Name and version."""
        return f"{self.name}@{self.version}"

    def keyed(self, archs: Sequence[Architecture], data_set: DataSet, seed: int | None) -> Sequence[Architecture]:
        """The names: what they stand for does not change."""
        return archs

    def check(self, arch: str) -> Architecture:
        """`arch`, checked to be in this space.

        Raises:
            UnknownNameError: if it is not.
        """
        return SearchSpace.check(self, arch)

    def layer_table(self, archs: Sequence[Architecture], data_set: DataSet) -> LayerTable:
        """The rows of several networks."""
        return SearchSpace.layer_table(self, archs, data_set)

    def _split(self, arch: str) -> tuple[str, str]:
        return arch, ""
