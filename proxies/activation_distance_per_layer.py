"""Normalised Activation Distance. Serianni and Kalita, ACL 2023, arXiv:2306.00288."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy import PROXIES
from proxies.activation_distance import ActivationDistance


@PROXIES.register("activation_distance_per_layer")
@dataclass(frozen=True)
class ActivationDistancePerLayer(ActivationDistance):
    """`activation_distance` divided by the number of the activations: their mean."""

    version: ClassVar[int] = 1
    per_layer: ClassVar[bool] = True
