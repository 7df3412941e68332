"""Trends: rank correlations of measured quantities with intervals, compared with the direction the paper claims."""

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum

import numpy as np
import pandas as pd

from harness.agreement import Interval, Sample, agreements


class Claim(Enum):
    """The direction of `y` with increasing `x` according to the paper."""

    rises = "rises"
    falls = "falls"
    none = ""


@dataclass(frozen=True)
class Trend:
    """Kendall's tau-b and Spearman's rho of two columns, with 95 % bootstrap CIs over rows (or classes of rows).

    `setting` describes the rows; `x` and `y` are the names of the columns.
    """

    setting: str
    x: str
    y: str
    claim: Claim
    n: int
    tau: float
    tau_interval: Interval
    rho: float
    rho_interval: Interval

    @property
    def verdict(self) -> str:
        """`holds` or `reversed` if rho's interval excludes 0, otherwise `open`; empty without a claim."""
        if self.claim is Claim.none:
            return ""
        sign = 1 if self.claim is Claim.rises else -1
        low, high = sorted(sign * end for end in self.rho_interval)
        if low > 0:
            return "holds"
        return "reversed" if high < 0 else "open"

    def row(self) -> dict[str, object]:
        """Its cells by column name."""
        cells = asdict(self)
        for name in ("tau", "rho"):
            low, high = cells.pop(f"{name}_interval")
            cells |= {f"{name}_low": low, f"{name}_high": high}
        cells["claim"] = self.claim.value
        return {name: cells[name] for name in _COLUMNS} | {"verdict": self.verdict}


_COLUMNS = ("setting", "x", "y", "claim", "n", "tau", "tau_low", "tau_high", "rho", "rho_low", "rho_high")


def trend(
    points: pd.DataFrame, x: str, y: str, *, claim: Claim, setting: str = "", classes: Sequence[Hashable] | None = None
) -> Trend:
    """The trend of column `y` with column `x`; rows of a class are resampled together, by default each row alone."""
    labels = np.arange(len(points)) if classes is None else np.asarray(classes)
    found = agreements({x: points[x]}, Sample(points[y].to_numpy(), labels, len(points)))[x]
    return Trend(
        setting=setting,
        x=x,
        y=y,
        claim=claim,
        n=found.counts.n,
        tau=found.correlations.tau,
        tau_interval=found.tau_generalisation,
        rho=found.correlations.rho,
        rho_interval=found.rho_generalisation,
    )


def trend_table(trends: Sequence[Trend]) -> pd.DataFrame:
    """One row per trend."""
    return pd.DataFrame([found.row() for found in trends])
