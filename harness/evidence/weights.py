"""Weights of the layers at initialisation. No pass is needed."""

from collections.abc import Sequence
from time import thread_time
from typing import ClassVar, Self

from torch import Tensor

from harness.evidence.base import EVIDENCE, Evidence, Subject
from harness.evidence.coverage import Coverage
from harness.evidence.gradients import at_least_float32
from harness.space.own_network import OwnNetwork, weights_of


@EVIDENCE.register("weights")
class Weights(Evidence):
    """The weights of convolutions and linear layers, including dead ones.

    Of a network of the user's own all weights, including frozen ones: see `harness.space.own_network`.

    `layers` maps each layer's name to its weight, at least float32, in the network's order.
    """

    shared_pass: ClassVar[str] = "weights"
    uses: ClassVar[frozenset[str]] = frozenset({"protocol", "seed"})

    def __init__(self, layers: dict[str, Tensor], seconds: float = 0.0) -> None:
        self.layers = layers
        self.seconds = seconds

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> list[Self]:
        """See `Evidence`."""
        started = thread_time()
        layers = {name: at_least_float32(weight.detach()) for name, weight in weights_of(subject.network).items()}
        found = [kind(layers, thread_time() - started) for kind in kinds]
        if isinstance(subject.network, OwnNetwork):
            for one in found:
                one.coverage = Coverage(weights=1.0)
        return found
