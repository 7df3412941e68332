"""WRCor: correlations of images at ReLUs, deeper cells weigh more. arXiv:2507.08841."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import ActivationCorrelations
from harness.proxy import PROXIES, Proxy, Sees, Undefined
from proxies._correlation_kernel import log_determinant


@PROXIES.register("wrcor")
@dataclass(frozen=True)
class WRCor(Proxy):
    """`rcor`, each ReLU weighted by 2^i in the i-th cell after the stem, from 0 on, and 2^(number of cells) after them.

    Reductions are cells, as in the authors' network of NAS-Bench-201. ReLUs of the stem, which that network does not
    have, count one half. The last cells decide: in NAS-Bench-201 the ReLU before the pooling has the weight 2^17, two
    thirds of all if each cell had as many. Undefined for networks that do not name their cells. See `rcor` for what is
    not copied from the authors' code. Their network of NAS-Bench-101 lists the poolings between the stacks as cells, so
    that each adds a doubling, which is not copied either.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2507.08841"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, correlations: ActivationCorrelations) -> float:
        """Higher is better; -inf if two images correlate wholly throughout."""
        if len(correlations.cells) < 2:
            raise Undefined("the network does not name the cells that the weights go by")
        names = [activation.name for activation in correlations.activations]
        return log_determinant(correlations, _weights(names, correlations.cells))


def _weights(names: list[str], cells: tuple[str, ...]) -> list[float]:
    """A weight for each activation, named in the order in which they run; `cells` begins with the stem."""
    places = {cell: place for place, cell in enumerate(cells)}
    found: list[float] = []
    reached = 0
    for name in names:
        inside = [place for cell, place in places.items() if name == cell or name.startswith(f"{cell}.")]
        reached = max([reached, *inside])
        # Outside of all cells: before the first of them, or after the last that ran.
        place = max(inside) if inside else (len(cells) if reached else 0)
        found.append(2.0 ** (place - 1))
    return found
