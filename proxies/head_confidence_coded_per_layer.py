"""Normalised Head Confidence as its authors' code computes it. Serianni and Kalita, ACL 2023, arXiv:2306.00288."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy import PROXIES
from proxies.head_confidence_coded import HeadConfidenceCoded


@PROXIES.register("head_confidence_coded_per_layer")
@dataclass(frozen=True)
class HeadConfidenceCodedPerLayer(HeadConfidenceCoded):
    """`head_confidence_coded` divided by the number of queries, keys and values, the outputs that count: their mean."""

    version: ClassVar[int] = 1
    per_layer: ClassVar[bool] = True
