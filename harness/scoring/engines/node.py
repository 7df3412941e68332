"""What a node of a cluster does with a job: it gives it to a worker process of its own, guarded as on any machine.

A plug-in that crashes or hangs takes that process with it and no more, so that the loss of the process that runs this
code, or of its node, is the cluster's fault and never a score.
"""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import torch

from harness.errors import HarnessError
from harness.inputs import Batch
from harness.scoring.engines.base import Outcome
from harness.scoring.engines.shipping import Bundle, placed
from harness.scoring.pool import Pool
from harness.scoring.spawner import close_spawners
from harness.scoring.worker import Given, Job, MachineFault, Packed, Refused, packed

Arrays = Sequence[tuple[Packed, Packed]]
"""Images and targets of each batch, as a cluster's object store shares them."""


class Shipment(NamedTuple):
    """A job on its way: with the files of the user's by path, and the versions that must be the same on the node."""

    job: Job
    bundles: Mapping[str, Bundle]
    versions: Mapping[str, str]
    fresh: bool
    timeout_s: float | None


class Reply(NamedTuple):
    """What became of a job, and on which machine."""

    outcome: Outcome | Refused
    machine: str


def answer(shipment: Shipment, arrays: Arrays | None) -> Reply:
    """Compute a job in a worker process of this node.

    Args:
        shipment: the job.
        arrays: its batches; None: it uses none.
    """
    machine = platform.node()
    here = versions()
    differing = [
        f"{name} {here[name]}, not {wanted}" for name, wanted in shipment.versions.items() if here[name] != wanted
    ]
    if differing:
        return Reply(
            Refused(
                HarnessError(
                    f"The node {machine} has {', '.join(differing)}; scores could differ. Install the versions of this "
                    "machine on all nodes."
                )
            ),
            machine,
        )
    try:
        job, files, before, after = placed(shipment.job, shipment.bundles)
        sys.path[:] = [*before, *_path, *after]  # what the run has imported comes before another package of that name
        pool = _pool(job, files, shipment, arrays)
        ((_, outcome),) = pool.run([job], fresh=shipment.fresh)
        return Reply(outcome, machine)
    except HarnessError as error:
        return Reply(Refused(HarnessError(f"On the node {machine}: {error}")), machine)
    except OSError as error:
        return Reply(MachineFault(f"{type(error).__name__} on the node {machine}: {error}"), machine)


def versions() -> dict[str, str]:
    """The versions on which scores depend, by package."""
    return {"python": ".".join(map(str, sys.version_info[:2])), "torch": torch.__version__, "harness": _harness()}


def close() -> None:
    """End the worker process that is kept."""
    while _pools:
        _pools.popitem()[1].close()


def arrays_of(batches: Sequence[Batch]) -> Arrays:
    """Batches for an object store, which shares arrays without copies."""
    return [(packed(batch.images), packed(batch.targets)) for batch in batches]


def _harness() -> str:
    try:
        return version("nas-proxy-harness")
    except PackageNotFoundError:
        return "not installed"


_pools: dict[object, Pool] = {}  # at most one: that of the last context
_files: dict[str, str] = {}  # that its worker has imported: their paths by name
_path = list(sys.path)  # before any folder of a job was added


def _pool(job: Job, files: Mapping[str, str], shipment: Shipment, arrays: Arrays | None) -> Pool:
    """The pool of one worker that this process keeps as long as jobs are of one context and device.

    Once a file was edited, workers are forked from a new process, which has imported nothing of it.
    """
    key = job.context, arrays is not None, shipment.timeout_s, os.environ.get("CUDA_VISIBLE_DEVICES")
    by_name = {f"{Path(old).name} of {old}": f"{new} {shipment.bundles[old].sha256}" for old, new in files.items()}
    is_changed = any(_files.get(name, path) != path for name, path in by_name.items())
    if key not in _pools or is_changed:
        close()
        if is_changed:
            _files.clear()
            close_spawners()
        given = None if arrays is None else Given(job.context, arrays)
        _pools[key] = Pool(1, shipment.timeout_s, given)
    _files.update(by_name)
    return _pools[key]
