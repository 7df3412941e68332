"""VKDNW: number of parameter tensors, then entropy of the Fisher information. Tybl and Neumann, arXiv:2502.04975."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.evidence import LogitFisher, PrivateNetwork
from harness.proxy import PROXIES, Proxy, Sees
from proxies.n_tensors import NTensors
from proxies.vkdnw_entropy import VkdnwEntropy

if TYPE_CHECKING:
    import pandas as pd


@PROXIES.register("vkdnw")
@dataclass(frozen=True)
class Vkdnw(Proxy):
    """`n_tensors` plus `vkdnw_entropy` (VKDNW_single, Eq. 12 of the paper).

    The entropy is below log 9 = 2.2, so the count decides and the entropy orders networks of equal count. Tensors come
    in steps of three per convolution with its normalisation, and of one without affine normalisation; the smaller the
    step, the more the entropy weighs. See `vkdnw_entropy` for options, cost and what it does otherwise than the code.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2502.04975"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 64
    n_tensors: int = 128
    n_entries: int = 1
    noise: bool = True
    as_coded: bool = False

    def __post_init__(self) -> None:
        self._entropy  # noqa: B018  # checks the options

    @property
    def _entropy(self) -> VkdnwEntropy:
        return VkdnwEntropy(self.n_images, self.n_tensors, self.n_entries, self.noise, as_coded=self.as_coded)

    def parts(self) -> dict[str, Proxy]:
        """The two proxies."""
        return {"n_tensors": NTensors(), "entropy": self._entropy}

    def measure(self, private: PrivateNetwork, fisher: LogitFisher) -> dict[str, float]:
        """The two components; higher is better for each."""
        return {"n_tensors": NTensors().measure(private), "entropy": self._entropy.measure(fisher)}

    def combine(self, table: "pd.DataFrame") -> "pd.Series[float]":
        """At least the number of tensors; NaN if a component is NaN."""
        return table.sum(axis=1, skipna=False)
