"""Shards: which architectures of a run each of n jobs scores, balanced by the analytic cost of their networks.

All architectures of a canonical form are in one shard, so that no network is computed twice. What a shard holds follows
from the architectures and the proxies alone, not from what a store has.
"""

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.placement import Shard
from harness.proxy import Sees
from harness.scoring.run import ScoringRun
from harness.space import Architecture

_AT_ONCE = 5_000
_FIXED = 0.1  # of the mean: what a network costs however small it is


def archs_of_shard(run: ScoringRun, archs: Sequence[Architecture], shard: Shard) -> list[Architecture]:
    """The architectures of a shard, in the order of `archs`."""
    return [arch for arch, of in zip(archs, shards(run, archs, shard.n), strict=True) if of == shard.index]


def shards(run: ScoringRun, archs: Sequence[Architecture], n: int) -> NDArray[np.int64]:
    """The shard of each architecture, int64 [n_archs]: the costliest classes first, each to the least loaded shard."""
    forms = run.context.space.canonical_forms(archs)
    costs: dict[Architecture, float] = {}
    executes = {spec.proxy_class.sees for spec in run.specs if spec.proxy_class.runs_network()}
    if Sees.LIVE in executes:
        distinct = list(dict.fromkeys(forms))
        for form, cost in zip(distinct, network_costs(run, distinct, live=True).tolist(), strict=True):
            costs[form] = cost
    if Sees.ALL in executes or not executes:
        of_all = network_costs(run, archs, live=False).tolist() if executes else [1.0] * len(forms)
        for form, cost in zip(forms, of_all, strict=True):
            costs[form] = costs.get(form, 0.0) + cost
    loads = [(0.0, index) for index in range(n)]
    shard_of: dict[Architecture, int] = {}
    for form in sorted(costs, key=lambda form: -costs[form]):  # stable: ties in the order of `archs`
        load, index = loads[0]
        shard_of[form] = index
        heapq.heapreplace(loads, (load + costs[form], index))
    return np.array([shard_of[form] for form in forms], dtype=np.int64)


def network_costs(run: ScoringRun, archs: Sequence[Architecture], *, live: bool) -> NDArray[np.float64]:
    """The relative cost [n_archs] of a pass over each network, analytic: its multiply-accumulates and a constant."""
    space, data_set = run.context.space, run.context.find_data_set()
    found = []
    for start in range(0, len(archs), _AT_ONCE):
        table = space.layer_table(archs[start : start + _AT_ONCE], data_set)
        flops = table.flops * table.repeats
        found.append((flops * table.live if live else flops).sum(axis=1).astype(np.float64))
    costs = np.concatenate(found) if found else np.zeros(0)
    return costs + _FIXED * costs.mean() + 1.0 if costs.size else costs
