"""The guard around code from outside the project: what it leaves changed does not reach other proxies' scores."""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from functools import cache, cached_property
from importlib.metadata import entry_points
from typing import Any

import numpy as np
from torch import Tensor

from harness.evidence import Evidence, PrivateNetwork, Subject
from harness.inputs import Batch
from harness.proxy import Proxy
from harness.scoring.process_state import ProcessState, checksum

_OWN_PROXIES, _OWN_EVIDENCE = "proxies.", "harness."
_DEEPEST = 8  # levels of lists, mappings and data classes in evidence


def is_foreign(proxy: Proxy | type[Proxy]) -> bool:
    """Whether a proxy, or a kind of evidence that it asks for, comes from outside the project."""
    kind = proxy if isinstance(proxy, type) else type(proxy)
    return not kind.__module__.startswith(_OWN_PROXIES) or brings_evidence(kind)


def brings_evidence(proxy: Proxy | type[Proxy]) -> bool:
    """Whether a kind of evidence that a proxy asks for comes from outside the project."""
    return any(not kind.__module__.startswith(_OWN_EVIDENCE) for kind in proxy.evidence().values())


def is_importable(proxy: type[Proxy]) -> bool:
    """Whether another process finds a proxy by its name: it is the project's own, or an installed package's."""
    return proxy.__module__.startswith(_OWN_PROXIES) or proxy.__module__.partition(".")[0] in _installed()


@cache
def _installed() -> frozenset[str]:
    return frozenset(entry_point.module.partition(".")[0] for entry_point in entry_points(group="harness.proxies"))


class Guard:
    """Takes the state of the process before code from outside runs, and puts it back.

    Attributes:
        changed: by proxy, the settings that it left changed, which were put back.
        is_soiled: whether something could not be put back, or threads go on running, so that this process should score
            no more.
        in_worker: whether this is a worker process, which no user interrupts.
    """

    def __init__(self, *, in_worker: bool = False) -> None:
        self.changed: dict[str, list[str]] = {}
        self.is_soiled = False
        self.in_worker = in_worker

    @contextmanager
    def around(self, name: str, batches: Sequence[Batch]) -> Iterator[list[str]]:
        """Run code of the proxy `name`; the list says afterwards which code or images it has changed."""
        state, process, threads = ProcessState(batches), os.getpid(), set(threading.enumerate())
        damage: list[str] = []
        try:
            yield damage
        finally:
            if os.getpid() != process:  # a fork that code from outside has made must not go on as the harness
                os._exit(0)
            damage += state.restore_code()
            settings = state.restore_settings()
            if settings:
                self.changed[name] = settings
            if (damage or settings) and not state.is_restored():
                self.is_soiled = True
            self.is_soiled |= any(thread.is_alive() for thread in set(threading.enumerate()) - threads)


@contextmanager
def requests_apart(evidence: Sequence[Evidence]) -> Iterator[None]:
    """A context after which what code from outside was the first to request is forgotten: it may have changed that."""
    before = [(one, dict(one.made), one.seconds) for one in evidence if isinstance(one, PrivateNetwork)]
    try:
        yield
    finally:
        for one, made, seconds in before:
            one.made, one.seconds = made, seconds


def sums_of_evidence(evidence: Sequence[Evidence]) -> dict[str, int]:
    """A number for each tensor and array in some evidence, which nearly any change moves, by where it is."""
    for one in evidence:
        for name in _made_once(type(one)):  # made now, so that what a proxy does to it is seen
            with suppress(Exception):  # `Undefined`, told to the proxy that asks for it
                getattr(one, name)
    return {where: found for one in evidence for where, found in _sums(vars(one), type(one).__name__)}


@cache
def _made_once(kind: type[Evidence]) -> tuple[str, ...]:
    """The properties of a kind of evidence that are computed when first requested, and kept."""
    held = {name: value for base in reversed(kind.__mro__) for name, value in vars(base).items()}
    return tuple(name for name, value in held.items() if isinstance(value, cached_property))


def damaged(before: Mapping[str, int], evidence: Sequence[Evidence]) -> list[str]:
    """Where evidence is not what it was."""
    after = sums_of_evidence(evidence)
    return [where for where, found in before.items() if after.get(where) != found]


def _sums(value: Any, where: str, depth: int = 0) -> Iterator[tuple[str, int]]:
    if depth > _DEEPEST:  # what holds itself has no end
        return
    if isinstance(value, Tensor):
        yield where, checksum(value)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield where, int(np.frombuffer(np.ascontiguousarray(value).tobytes(), dtype=np.uint8).sum(dtype=np.int64))
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _sums(entry, f"{where}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for position, entry in enumerate(value):
            yield from _sums(entry, f"{where}[{position}]", depth + 1)
    elif is_dataclass(value) and not isinstance(value, Subject | type):  # its batches are compared by `Guard.around`
        for field in fields(value):
            yield from _sums(getattr(value, field.name, None), f"{where}.{field.name}", depth + 1)
