"""The engine: one architecture, several proxies, each pass over the network done once."""

import math
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from numbers import Real
from time import thread_time
from typing import Any

import numpy as np
import torch

from harness.errors import HarnessError
from harness.evidence import Evidence, Layers, Subject
from harness.evidence.base import ScoringContext
from harness.proxy import Proxy, Undefined
from harness.randomness import isolated
from harness.space import Architecture, Execute
from harness.store import FAILED, OK, UNDEFINED, Score

EvidenceKind = type[Evidence]


def score(
    context: ScoringContext, arch: Architecture, execute: Execute, proxies: Mapping[str, Proxy]
) -> dict[str, Score]:
    """Score one architecture by several proxies, given and returned by name.

    A proxy that raises or gives NaN yields a score with status and reason.

    Raises:
        MemoryError, OSError, torch.OutOfMemoryError: these are no results.
    """
    return score_subject(Subject(context, arch, execute), proxies)


def score_subject(subject: Subject, proxies: Mapping[str, Proxy]) -> dict[str, Score]:
    """`score` on a subject that is at hand, its network as the caller made it."""
    needs = {name: list(proxy.evidence().values()) for name, proxy in proxies.items()}
    scores: dict[str, Score] = {}
    with ExitStack() as stack:
        sharing = {
            name for name, kinds in needs.items() if any(kind.runs_network and kind.shares_network for kind in kinds)
        }
        built_s = 0.0
        if any(proxy.runs_network() for proxy in proxies.values()):
            stack.enter_context(single_thread())
            stack.enter_context(isolated("score", subject.context.seed, subject.arch))
            if sharing:
                started = thread_time()
                _ = subject.network
                built_s = thread_time() - started
        collected: dict[EvidenceKind, Evidence | BaseException] = {}
        for group in _groups(needs.values()):
            collected |= _collect(subject, group)
            for name, proxy in proxies.items():
                if name not in scores and all(kind in collected for kind in needs[name]):
                    scores[name] = _measure(name, proxy, [collected[kind] for kind in needs[name]], subject)
            waiting = {kind for name in proxies.keys() - scores.keys() for kind in needs[name]}
            collected = {kind: evidence for kind, evidence in collected.items() if kind in waiting}
    return {
        name: found._replace(seconds=found.seconds + built_s) if name in sharing else found
        for name, found in scores.items()
    }


def score_counts(
    context: ScoringContext, archs: Sequence[Architecture], proxies: Mapping[str, Proxy]
) -> list[dict[str, Score]] | None:
    """Score many architectures at once by proxies that ask for `Layers` alone and keep to array arithmetic.

    None if one of the proxies does not: it asks for more, raises, or gives no number per architecture.
    """
    if any(list(proxy.evidence().values()) != [Layers] for proxy in proxies.values()):
        return None
    layers = Layers(context.space.layer_table(archs, context.data_set))
    scores: list[dict[str, Score]] = [{} for _ in archs]
    for name, proxy in proxies.items():
        started = thread_time()
        try:
            values = np.asarray(proxy.measure(layers), dtype=np.float64)
        except Exception:  # told for each architecture by `score`
            return None
        if values.shape != (len(archs),) or np.isnan(values).any():
            return None
        seconds = (thread_time() - started) / len(archs)
        for arch, value, row in zip(archs, values.tolist(), scores, strict=True):
            row[name] = Score(arch, {name: value}, OK, "", seconds)
    return scores


def _groups(needs: Iterable[list[EvidenceKind]]) -> list[list[EvidenceKind]]:
    """The kinds of evidence, grouped by the pass that they ride on."""
    groups: dict[str, list[EvidenceKind]] = {}
    for kinds in needs:
        for kind in kinds:
            group = groups.setdefault(kind.shared_pass, [])
            if kind not in group:
                group.append(kind)
    return list(groups.values())


def _collect(subject: Subject, group: list[EvidenceKind]) -> dict[EvidenceKind, Evidence | BaseException]:
    try:
        found = group[0].collect_all(subject, group)
    except (Exception, SystemExit) as error:  # a plug-in's exit() is its failure, not the end of the run
        if is_no_result(error):
            raise
        return dict.fromkeys(group, error)
    return dict(zip(group, found, strict=True))


def _measure(name: str, proxy: Proxy, evidence: Sequence[Evidence | BaseException], subject: Subject) -> Score:
    arch = subject.arch
    started = thread_time()
    seconds = sum(piece.seconds for piece in evidence if isinstance(piece, Evidence))
    try:
        for piece in evidence:
            if isinstance(piece, BaseException):
                raise piece
        # A proxy may draw random numbers: the same ones whatever runs beside it.
        with isolated("proxy", subject.context.seed, arch, name) if proxy.runs_network() else nullcontext():
            value = proxy.measure(*evidence)
        components = {key: _number(one) for key, one in _named(name, value).items()}
    except Undefined as reason:
        return Score(arch, {}, UNDEFINED, str(reason), seconds)
    except (Exception, SystemExit) as error:
        if is_no_result(error):
            raise
        return Score(arch, {}, FAILED, f"{type(error).__name__}: {error}".splitlines()[0], seconds)
    seconds += thread_time() - started
    if any(math.isnan(component) for component in components.values()):
        return Score(arch, components, FAILED, "the value is NaN", seconds)
    return Score(arch, components, OK, "", seconds)


def _named(name: str, value: Any) -> dict[str, Any]:
    """What `measure` returned, by component."""
    if not isinstance(value, dict):
        return {name: value}
    if not value or not all(isinstance(key, str) for key in value):
        raise TypeError(f"measure returned {reprlib.repr(value)}; a dict must name its components, at least one")
    return value


def _number(value: Any) -> float:
    """A number, or the only element of an array or tensor; float alone would take the words "1.5" and "nan" too."""
    found = value.item() if hasattr(value, "item") else value
    if not isinstance(found, Real):
        raise TypeError(
            f"measure returned {reprlib.repr(found)}, which is no number; return a float, or a dict of floats"
        )
    return float(found)


def is_no_result(error: BaseException) -> bool:
    """Whether an error, such as running out of memory, disk or time, says nothing about the architecture."""
    if isinstance(error, HarnessError):
        return False
    return isinstance(error, MemoryError | OSError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


@contextmanager
def single_thread() -> Iterator[None]:
    """One thread for torch: workers share the cores, and sums come out the same whatever their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
