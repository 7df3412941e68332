"""What a worker process does: it takes jobs from its connection and answers each."""

import ctypes
import importlib
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from multiprocessing.connection import Connection
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import HarnessError
from harness.evidence import EVIDENCE
from harness.evidence.base import ScoringContext
from harness.inputs import DATA_SETS, Batch
from harness.proxy import PROXIES, Proxy
from harness.scoring.engine import is_device_lost, is_no_result, said, score, score_counts
from harness.scoring.guard import Guard, is_foreign
from harness.scoring.process_state import watched
from harness.scoring.proxy_spec import ProxySpec
from harness.scoring.run import ContextSpec, Result, Unit
from harness.space import BENCHMARKS, space_of
from harness.store import Score

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # glibc's malloc.h
_PAD_BYTES = 64 << 20
_NEVER = 2**31 - 1
_KIB = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss
_IMPORTED_LATE = ("torch.fx.experimental.symbolic_shapes",)  # by torch, when the first network is made


class Job(NamedTuple):
    """What a worker is handed at once. Several units have the same specs, which only count.

    `is_limited` says whether the time limit of a network holds, which does not for evidence that trains.
    """

    context: ContextSpec
    with_batches: bool
    units: tuple[Unit, ...]
    is_limited: bool = True


class Packed(NamedTuple):
    """A tensor that can be sent to another process or machine as it is.

    NumPy changes the strides of dimensions of size 1, by which convolutions choose their order of summation.
    """

    values: NDArray[Any]
    strides: tuple[int, ...]


def packed(tensor: Tensor) -> Packed:
    """A tensor to send."""
    return Packed(tensor.contiguous().numpy(), tuple(tensor.stride()))


def unpacked(sent: Packed) -> Tensor:
    """The tensor that was sent, equal in strides and alignment."""
    values = torch.from_numpy(np.array(sent.values))
    return torch.empty_strided(values.shape, sent.strides, dtype=values.dtype).copy_(values)


class Given(NamedTuple):
    """Images and targets of the batches of a context, for a worker on a machine that may not have the images."""

    context: ContextSpec
    arrays: Sequence[tuple[Packed, Packed]]


class Usage(NamedTuple):
    """CPU seconds that a job took, and the most memory in bytes that its process was resident in so far."""

    cpu_s: float
    peak_bytes: int


class Begun(NamedTuple):
    """A worker has made context and proxies: the time of the job runs from here."""


class Done(NamedTuple):
    """The scores, what proxies left changed that was put back, and whether the worker should do no more."""

    results: tuple[Result, ...]
    changed: Mapping[str, Sequence[str]]
    is_soiled: bool
    usage: Usage


class Refused(NamedTuple):
    """A job ended with a user error or a fault of the harness, to be raised again."""

    error: Exception


class MachineFault(NamedTuple):
    """A job ended for want of memory, disk or files, which is no result."""

    text: str


Answer = Begun | Done | Refused | MachineFault


def import_all(modules: Sequence[str]) -> None:
    """Import what each worker would: the project's own plug-ins, and modules of libraries as far as they are here."""
    for registry in (EVIDENCE, PROXIES, BENCHMARKS, DATA_SETS):
        registry.import_own()
    for module in (*_IMPORTED_LATE, *modules):
        with suppress(ImportError):
            importlib.import_module(module)


def prepare_space(bench: str, arch: str) -> None:
    """Have a search space make what it remembers, so that processes forked from this one need not."""
    with suppress(Exception):  # told where it is scored
        space_of(bench).check(arch)


def work(connection: "Connection[Any, Any]") -> None:
    """Answer jobs until the owner has no more."""
    keep_freed_memory()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    torch.set_num_threads(1)
    watched()
    while True:
        try:
            job: Job | Given = connection.recv()
        except (EOFError, OSError):
            return
        if isinstance(job, Given):
            _given.clear()
            _given[job.context] = tuple(Batch(*map(unpacked, pair)) for pair in job.arrays)
            continue
        guard = Guard(in_worker=True)
        try:
            context = context_of(job.context, job.with_batches)
            proxies = made(job.units[0].specs)
            connection.send(Begun())
            answer: Answer = _answer(job, context, proxies, guard)
        except Exception as error:
            answer = _ended_with(error)
        connection.send(answer)


def work_on(context: ContextSpec, with_batches: bool, unit: Unit, guard: Guard) -> Result:
    """One unit in this process."""
    return unit, score(context_of(context, with_batches), unit.arch, unit.execute, made(unit.specs), guard)


def made(specs: Sequence[ProxySpec]) -> dict[str, Proxy]:
    """The proxies of some specs, by name."""
    return {spec.name: spec.make() for spec in specs}


@lru_cache(maxsize=1)
def context_of(context: ContextSpec, with_batches: bool) -> ScoringContext:
    """The context of a spec, kept until another is requested."""
    return context.make(with_batches=with_batches, given=_given.get(context))


_given: dict[ContextSpec, tuple[Batch, ...]] = {}  # of the worker process, by its owner


def _answer(job: Job, context: ScoringContext, proxies: Mapping[str, Proxy], guard: Guard) -> Done:
    units, started = job.units, process_time()
    found: list[dict[str, Score]] | None = None
    if len(units) > 1:
        foreign = ", ".join(name for name, proxy in proxies.items() if is_foreign(proxy))
        with guard.around(foreign, ()) as damage:
            found = score_counts(context, [unit.arch for unit in units], proxies)
        if damage:  # told for each by `score`
            found = None
    if found is None:
        found = [score(context, unit.arch, unit.execute, proxies, guard) for unit in units]
    is_soiled = guard.is_soiled or any(map(is_device_lost, found))
    usage = Usage(process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB)
    return Done(tuple(zip(units, found, strict=True)), guard.changed, is_soiled, usage)


def _ended_with(error: Exception) -> Answer:
    if is_no_result(error):
        return MachineFault(f"{type(error).__name__}: {said(error)}".partition("\n")[0])
    if type(error).__module__ == HarnessError.__module__:  # these can be sent; a plug-in's own may be anything
        return Refused(error)
    return Refused(HarnessError(f"{type(error).__name__}: {said(error)}"))


@lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """Let glibc's malloc keep what is freed instead of giving it back to the system.

    Activations are freed and asked for again at every layer; given back each time, each of their pages faults anew at
    its next use. The most memory that a process holds stays about the same. Does nothing where malloc is not glibc's.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _PAD_BYTES), (_MMAP_MAX, 0)):
            mallopt(option, value)


os.register_at_fork(after_in_child=keep_freed_memory.cache_clear)
