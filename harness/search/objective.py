"""Objectives: what a search maximises, from the scores of one or several proxies and from costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.ensembles import Ensemble
from harness.evaluation.costs import Cost
from harness.proxy import Proxy
from harness.scoring.proxy_spec import ProxySpec
from harness.space import Architecture

Components = Mapping[ProxySpec, Mapping[str, float]]
"""The components of each proxy's score for one network."""


@dataclass(frozen=True, eq=False)
class CostTerm:
    """What is subtracted from standardised scores: `weight` times log10 of a cost.

    Scores are divided by their standard deviation after their mean is subtracted, over the finite ones of the networks
    scored so far; infinite ones stay, and equal ones become 0. Where the cost is 0, as that of live operations where
    all are dead, the value is undefined.
    """

    cost: Cost
    weight: float

    def applied(self, scores: NDArray[np.float64], archs: Sequence[Architecture]) -> NDArray[np.float64]:
        """Values [n] from scores [n], higher is better."""
        finite = scores[np.isfinite(scores)]
        spread = float(finite.std()) if finite.size else 0.0
        centred = scores - (finite.mean() if finite.size else 0.0)
        if spread > 0:
            centred = centred / spread
        costs = self.cost.of(archs)
        return np.asarray(centred - self.weight * np.log10(np.where(costs > 0, costs, np.nan)))


@dataclass(frozen=True, eq=False)
class Objective:
    """Proxies, combined by an ensemble or as separate objectives, and costs to minimise or to subtract."""

    specs: tuple[ProxySpec, ...]
    ensemble: tuple[str, Ensemble] | None = None
    minimised: tuple[Cost, ...] = ()
    cost_term: CostTerm | None = None

    @property
    def name(self) -> str:
        """Its name in tables: `zico`, `rank_sum(zico, naswot)`, `zico, -flops`."""
        names = [spec.name for spec in self.specs]
        scores = names if self.ensemble is None else [f"{self.ensemble[0]}({', '.join(names)})"]
        if self.cost_term is not None:
            scores = [f"{scores[0]} - {self.cost_term.weight:g} log10({self.cost_term.cost.name})"]
        return ", ".join([*scores, *(f"-{cost.name}" for cost in self.minimised)])

    @property
    def scores(self) -> tuple[str, ...]:
        """The names of the objectives, in order; the first decides what is reported as the best."""
        proxies = tuple(spec.name for spec in self.specs) if self.ensemble is None else (self.ensemble[0],)
        return proxies + tuple(f"minus_{cost.name}" for cost in self.minimised)

    @cached_property
    def pooled(self) -> bool:
        """Whether a value depends on the other networks: ensembles, cost terms, and proxies that combine components."""
        if self.ensemble is not None or self.cost_term is not None:
            return True
        return any(spec.proxy_class.combine is not Proxy.combine for spec in self.specs)

    def values(self, components: Sequence[Components]) -> NDArray[np.float64]:
        """The proxies' objectives for networks scored together, [n, n_objectives]; NaN if undefined."""
        if not components:
            return np.empty((0, 1 if self.ensemble else len(self.specs)))
        if not self.pooled and all(len(found[spec]) == 1 for found in components for spec in self.specs):
            rows = [[next(iter(found[spec].values())) for spec in self.specs] for found in components]
            return np.array(rows, dtype=np.float64)
        table = pd.DataFrame(
            {
                spec.name: spec.combined(pd.DataFrame([found[spec] for found in components])).to_numpy(dtype="float64")
                for spec in self.specs
            }
        )
        if self.ensemble is not None:
            return np.asarray(self.ensemble[1].scores(table), dtype=np.float64)[:, None]
        return np.asarray(table.to_numpy(), dtype=np.float64)
