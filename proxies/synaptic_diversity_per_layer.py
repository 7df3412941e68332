"""Normalised Synaptic Diversity. Serianni and Kalita, ACL 2023, arXiv:2306.00288."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy import PROXIES
from proxies.synaptic_diversity import SynapticDiversity


@PROXIES.register("synaptic_diversity_per_layer")
@dataclass(frozen=True)
class SynapticDiversityPerLayer(SynapticDiversity):
    """`synaptic_diversity` divided by the number of the linear layers of attention: their mean."""

    version: ClassVar[int] = 1
    per_layer: ClassVar[bool] = True
