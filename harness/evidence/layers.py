"""Layers: the analytic list of an architecture's layers. No network is made."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Self

from harness.evidence.base import EVIDENCE, Evidence, Subject
from harness.space import Layer


@EVIDENCE.register("layers")
class Layers(Evidence):
    """The layers of the official network, dead ones included; `live` gives those between input and output."""

    rides_on: ClassVar[str] = "layers"
    uses: ClassVar[frozenset[str]] = frozenset()
    runs_network: ClassVar[bool] = False

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    @property
    def live(self) -> Iterator[Layer]:
        """The layers on a path from the network's input to its output."""
        return (layer for layer in self._layers if layer.live)

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> list[Self]:
        """See `Evidence`."""
        layers = subject.setting.space.layers(subject.arch, subject.setting.data_set)
        return [kind(layers) for kind in kinds]
