"""Normalised Attention Head Importance. Serianni and Kalita, ACL 2023, arXiv:2306.00288."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy import PROXIES
from proxies.head_importance import HeadImportance


@PROXIES.register("head_importance_per_layer")
@dataclass(frozen=True)
class HeadImportancePerLayer(HeadImportance):
    """`head_importance` divided by the number of the linear layers of attention that count: their mean."""

    version: ClassVar[int] = 1
    per_layer: ClassVar[bool] = True
