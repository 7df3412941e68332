"""V-PCA: principal components of feed-forward layers, unweighted. Wang et al., ICLR 2025, arXiv:2504.15983."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy import PROXIES
from proxies.w_pca import WPca


@PROXIES.register("v_pca")
@dataclass(frozen=True)
class VPca(WPca):
    """`w_pca` without the factor #Params: the number of principal components alone."""

    version: ClassVar[int] = 1
    with_parameters: ClassVar[bool] = False
