"""EPE-NAS: correlation of gradients within classes. Lopes et al., ICANN 2021, arXiv:2102.08099."""

from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np

from harness.evidence import InputGradients
from harness.proxy import PROXIES, Proxy, Sees, Undefined
from proxies._correlation import correlations

_OFFSET = 1e-5
_FEW_CLASSES = 100


@PROXIES.register("epe_nas")
@dataclass(frozen=True)
class EpeNas(Proxy):
    """Correlation of the Jacobian's rows within classes, from s_c = sum over pairs of log(|correlation| + 1e-5).

    Rows are the gradients of the summed outputs with respect to each image of one batch. Up to 100 classes the score is
    the sum of |s_c|; above, s_c is divided by the class's number of images and the score is the sum of |s_c - s_d| over
    all ordered pairs of classes, over the number of classes. As in the authors' code and NASLib, pairs include each
    image with itself, and above 100 classes those with a single image are excluded (there by a suppressed exception). A
    distribution over classes counts as its most likely class. In float64. Undefined in the same cases as jacob_cov.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2102.08099"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, gradients: InputGradients) -> float:
        """Higher is better."""
        if gradients.classes is None:
            raise Undefined("the task has no classes")
        if gradients.is_rounding:
            raise Undefined("the summed outputs do not depend on the images")
        classes = gradients.classes.cpu().numpy()
        if np.unique(classes, return_counts=True)[1].max() < 2:
            raise Undefined("no class has two images in the batch")
        few = gradients.n_classes <= _FEW_CLASSES
        scores = []
        for label in np.unique(classes):
            rows = gradients.rows[np.flatnonzero(classes == label)]
            if few or len(rows) > 1:
                total = np.log(np.abs(correlations(rows)) + _OFFSET).sum()
                scores.append(float(total if few else total / len(rows)))
        if np.isnan(scores).any():
            raise Undefined("the gradient of an image is constant, so it correlates with none")
        if few:
            return sum(abs(score) for score in scores)
        return sum(abs(one - other) for one, other in product(scores, scores)) / len(scores)
