"""Normalised Synaptic Saliency. Serianni and Kalita, ACL 2023, arXiv:2306.00288."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy import PROXIES
from proxies.synaptic_saliency import SynapticSaliency


@PROXIES.register("synaptic_saliency_per_layer")
@dataclass(frozen=True)
class SynapticSaliencyPerLayer(SynapticSaliency):
    """`synaptic_saliency` divided by the number of the feed-forward layers: their mean."""

    version: ClassVar[int] = 1
    per_layer: ClassVar[bool] = True
