"""What a node of a cluster does with a job: it gives it to a worker process of its own, guarded as on any machine.

A plug-in that crashes or hangs takes that process with it and no more, so that the loss of the process that runs this
code, or of its node, is the cluster's fault and never a score.
"""

import getpass
import hashlib
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import torch

from harness.errors import HarnessError
from harness.inputs import Batch
from harness.scoring.engines.base import Outcome
from harness.scoring.pool import Pool
from harness.scoring.worker import Given, Job, MachineFault, Packed, Refused, packed

Arrays = Sequence[tuple[Packed, Packed]]
"""Images and targets of each batch, as a cluster's object store shares them."""


class Shipment(NamedTuple):
    """A job on its way: with the files of its proxies by path, and the versions that must be the same on the node."""

    job: Job
    files: Mapping[str, bytes]
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
        job = _with_files_here(shipment.job, shipment.files)
        pool = _pool(job, arrays, shipment.timeout_s)
        ((_, outcome),) = pool.run([job], fresh=shipment.fresh)
        return Reply(outcome, machine)
    except HarnessError as error:
        return Reply(Refused(HarnessError(f"On the node {machine}: {error}")), machine)
    except OSError as error:
        return Reply(MachineFault(f"{type(error).__name__} on the node {machine}: {error}"), machine)


def versions() -> dict[str, str]:
    """The versions on which scores depend, by package."""
    return {"python": ".".join(map(str, sys.version_info[:2])), "torch": torch.__version__, "harness": _harness()}


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


def _pool(job: Job, arrays: Arrays | None, timeout_s: float | None) -> Pool:
    """The pool of one worker that this process keeps as long as jobs are of one context and device."""
    key = job.context, arrays is not None, timeout_s, os.environ.get("CUDA_VISIBLE_DEVICES")
    files = {Path(path).name: path for unit in job.units for path in unit.paths}
    is_changed = any(_files.get(name, path) != path for name, path in files.items())  # a file was edited since
    if key not in _pools or is_changed:
        _files.clear()
        while _pools:
            _pools.popitem()[1].close()
        _pools[key] = Pool(1, timeout_s, None if arrays is None else Given(job.context, arrays))
    _files.update(files)
    return _pools[key]


def _with_files_here(job: Job, files: Mapping[str, bytes]) -> Job:
    """The job with the paths of its proxies' files on this machine, written if they are not there."""
    if not files:
        return job
    here = {path: str(_file(path, content)) for path, content in files.items()}
    units = tuple(
        unit._replace(
            specs=tuple(
                spec if spec.path is None else replace(spec, path=here.get(spec.path, spec.path)) for spec in unit.specs
            )
        )
        for unit in job.units
    )
    return job._replace(units=units)


def _file(path: str, content: bytes) -> Path:
    there = Path(path)
    if there.is_file() and there.read_bytes() == content:
        return there
    digest = hashlib.sha256(content).hexdigest()
    folder = Path(tempfile.gettempdir()) / f"nas-harness-{getpass.getuser()}" / digest[:16]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / there.name
    if not file.is_file() or file.read_bytes() != content:
        part = folder / f".{there.name}.{os.getpid()}"
        part.write_bytes(content)
        part.replace(file)
    return file
