"""Engines: where jobs are computed.

`base` is their interface. `local` is the pool of processes of `harness.scoring.pool`; `ray_cluster` sends jobs to the
nodes of a Ray cluster, where `node` hands them to a pool of the same kind.
"""

from harness.scoring.engines.base import Died as Died
from harness.scoring.engines.base import Engine as Engine
from harness.scoring.engines.base import Outcome as Outcome
from harness.scoring.run import ExecutionOptions


def open_engine(execution: ExecutionOptions) -> Engine:
    """The engine of the settings; it starts processes, or looks for its cluster, with the first job."""
    if execution.engine.is_local:
        from harness.scoring.pool import Pool

        return Pool(execution.workers, execution.timeout_s)
    from harness.scoring.engines.ray_cluster import RayCluster

    return RayCluster(execution.engine, execution.timeout_s)
