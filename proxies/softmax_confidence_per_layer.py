"""Normalised Softmax Confidence as its authors' code computes it. Serianni and Kalita, ACL 2023, arXiv:2306.00288."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy import PROXIES
from proxies.softmax_confidence import SoftmaxConfidence


@PROXIES.register("softmax_confidence_per_layer")
@dataclass(frozen=True)
class SoftmaxConfidencePerLayer(SoftmaxConfidence):
    """`softmax_confidence` divided by the number of softmaxes: their mean."""

    version: ClassVar[int] = 1
    per_layer: ClassVar[bool] = True
