"""The engine: one architecture, several proxies, each pass over the network done once."""

import errno
import math
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, nullcontext, suppress
from numbers import Real
from time import thread_time
from typing import Any

import numpy as np
import torch

from harness.cli.command import Stopped
from harness.errors import HarnessError, PlugInError
from harness.evidence import Evidence, Layers, Subject
from harness.evidence.base import ScoringContext
from harness.evidence.coverage import least
from harness.plug_in_code import place_of, show_traceback
from harness.proxy import Proxy, Undefined
from harness.randomness import isolated
from harness.scoring.arithmetic import products_of, single_thread
from harness.scoring.guard import Guard, brings_evidence, damaged, is_foreign, requests_apart, sums_of_evidence
from harness.space import Architecture, Execute, ModelSpace
from harness.store import FAILED, OK, UNDEFINED, Score

EvidenceKind = type[Evidence]


_LONGEST_REASON = 1_000
# What a call is told of a machine that is short of memory, disk or files, or broken.
_FAULTS_OF_MACHINE = frozenset(
    (errno.ENOMEM, errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ESTALE)
)


def score(
    context: ScoringContext,
    arch: Architecture,
    execute: Execute,
    proxies: Mapping[str, Proxy],
    guard: Guard | None = None,
) -> dict[str, Score]:
    """Score one architecture by several proxies, given and returned by name.

    A proxy that raises or gives NaN yields a score with status and reason. What one from outside the project changes in
    this process or in its evidence does not reach the others: settings are put back; where it has replaced functions,
    or changed images or evidence, its score is a failed one that names them.

    Raises:
        MemoryError, OSError, torch.OutOfMemoryError: where the machine is at fault these are no results.
        KeyboardInterrupt, Stopped: unless `guard` says that this is a worker process.
    """
    guard = guard or Guard()
    foreign = {name: proxy for name, proxy in proxies.items() if is_foreign(proxy)}
    apart = {name: proxy for name, proxy in foreign.items() if brings_evidence(proxy)}
    scores: dict[str, Score] = {}
    # The project's own first; those that have their hands on the network get one each.
    left = {name: proxy for name, proxy in proxies.items() if name not in foreign}
    left |= {name: proxy for name, proxy in foreign.items() if name not in apart}
    while left:
        scores |= score_subject(Subject(context, arch, execute), left, guard)
        left = {name: proxy for name, proxy in left.items() if name not in scores}
    for name, proxy in apart.items():
        with guard.around(name, context.batches) as damage:
            found = score_subject(Subject(context, arch, execute), {name: proxy}, in_worker=guard.in_worker)[name]
        scores[name] = _blamed(found, damage)
    return {name: scores[name] for name in proxies}


def score_subject(
    subject: Subject, proxies: Mapping[str, Proxy], guard: Guard | None = None, *, in_worker: bool = False
) -> dict[str, Score]:
    """`score` on a subject that is at hand, its network as the caller made it.

    With a guard it ends after a proxy that has changed the evidence which those that follow share: they are lacking.
    """
    needs = {name: list(proxy.evidence().values()) for name, proxy in proxies.items()}
    in_worker = guard.in_worker if guard else in_worker
    scores: dict[str, Score] = {}
    with ExitStack() as stack:
        sharing = {
            name for name, kinds in needs.items() if any(kind.runs_network and kind.shares_network for kind in kinds)
        }
        built_s = 0.0
        if any(proxy.runs_network() for proxy in proxies.values()):
            stack.enter_context(single_thread())
            stack.enter_context(products_of(subject.context.protocol.dtype))
            stack.enter_context(isolated("score", subject.context.seed, subject.arch))
            if sharing:
                started = thread_time()
                with suppress(PlugInError):  # told to each proxy that needs the network
                    _ = subject.network
                built_s = thread_time() - started
        collected: dict[EvidenceKind, Evidence | BaseException] = {}
        for group in _groups(needs.values()):
            collected |= _collect(subject, group, in_worker)
            for name, proxy in proxies.items():
                if name not in scores and all(kind in collected for kind in needs[name]):
                    evidence = [collected[kind] for kind in needs[name]]
                    if guard is None or not is_foreign(proxy):
                        scores[name] = _measure(name, proxy, evidence, subject, in_worker)
                        continue
                    scores[name], is_damaged = _guarded(name, proxy, evidence, subject, guard)
                    if is_damaged:
                        return _with_building(scores, sharing, built_s)
            waiting = {kind for name in proxies.keys() - scores.keys() for kind in needs[name]}
            collected = {kind: evidence for kind, evidence in collected.items() if kind in waiting}
    return _with_building(scores, sharing, built_s)


def _with_building(scores: Mapping[str, Score], sharing: set[str], built_s: float) -> dict[str, Score]:
    return {
        name: found._replace(seconds=found.seconds + built_s) if name in sharing else found
        for name, found in scores.items()
    }


def _guarded(
    name: str, proxy: Proxy, evidence: Sequence[Evidence | BaseException], subject: Subject, guard: Guard
) -> tuple[Score, bool]:
    """The score of a proxy from outside the project, and whether it has changed the evidence."""
    pieces = [piece for piece in evidence if isinstance(piece, Evidence)]
    before = sums_of_evidence(pieces)
    with guard.around(name, subject.context.batches) as damage, requests_apart(pieces):
        found = _measure(name, proxy, evidence, subject, guard.in_worker)
    changed = damaged(before, pieces)
    return _blamed(found, [*damage, *changed]), bool(changed)


def _blamed(found: Score, damage: Sequence[str]) -> Score:
    """A score, or a failed one that names what its proxy has changed."""
    if not damage:
        return found
    more = f" and {len(damage) - 3} more" if len(damage) > 3 else ""
    return found._replace(components={}, status=FAILED, reason=f"it changed {', '.join(damage[:3])}{more}")


def score_counts(
    context: ScoringContext, archs: Sequence[Architecture], proxies: Mapping[str, Proxy]
) -> list[dict[str, Score]] | None:
    """Score many architectures at once by proxies that ask for `Layers` alone and keep to array arithmetic.

    None if one of the proxies does not: it asks for more, raises, or gives no number per architecture.
    """
    if any(list(proxy.evidence().values()) != [Layers] for proxy in proxies.values()):
        return None
    try:
        layers = Layers(context.space.layer_table(archs, context.data_set))
    except PlugInError:  # told for each architecture by `score`
        return None
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


def _collect(
    subject: Subject, group: list[EvidenceKind], in_worker: bool
) -> dict[EvidenceKind, Evidence | BaseException]:
    # Of the project's own networks only NAS-Bench-BERT's have dropout, in the passes that come first or are apart.
    own = isinstance(subject.context.space, ModelSpace) and any(kind.runs_network for kind in group)
    seeded = isolated("pass", subject.context.seed, subject.arch, group[0].shared_pass) if own else nullcontext()
    try:
        with seeded:
            found = group[0].collect_all(subject, group)
    except BaseException as error:  # a plug-in's exit() is its failure, not the end of the run
        if _ends_run(error, in_worker):
            raise
        return dict.fromkeys(group, error)
    return dict(zip(group, found, strict=True))


def _measure(
    name: str, proxy: Proxy, evidence: Sequence[Evidence | BaseException], subject: Subject, in_worker: bool
) -> Score:
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
        return Score(arch, {}, UNDEFINED, said(reason), seconds)
    except BaseException as error:
        if _ends_run(error, in_worker):
            raise
        return Score(arch, {}, FAILED, _why(error), seconds)
    seconds += thread_time() - started
    if any(math.isnan(component) for component in components.values()):
        return Score(arch, components, FAILED, "the value is NaN", seconds)
    coverage = least(piece.coverage for piece in evidence if isinstance(piece, Evidence))
    return Score(arch, components, OK, "" if coverage is None else coverage.text, seconds)


def _why(error: BaseException) -> str:
    """Why a score failed, in one line; of code that a file of the user's has, with that file and the line."""
    if isinstance(error, PlugInError):  # it says where
        return said(error).partition("\n")[0]
    show_traceback(error)
    place = place_of(error)
    return f"{type(error).__name__}: {said(error)}".partition("\n")[0] + (f" ({place})" if place else "")


def said(error: BaseException) -> str:
    """What an exception says, whatever printing it does: at most 1,000 characters, all of which can be stored."""
    try:
        text = str(error)
    except (KeyboardInterrupt, Stopped):
        raise
    except BaseException as other:
        return f"(it cannot be printed: that raises {type(other).__name__})"
    return text[:_LONGEST_REASON].encode("utf-8", "backslashreplace").decode()


def _named(name: str, value: Any) -> dict[str, Any]:
    """What `measure` returned, by component."""
    if not isinstance(value, dict):
        return {name: value}
    if not value or not all(isinstance(key, str) and key.isprintable() for key in value):
        raise TypeError(f"measure returned {reprlib.repr(value)}; a dict must name its components, at least one")
    return {str(key): one for key, one in value.items()}


def _number(value: Any) -> float:
    """A number, or the only element of an array or tensor; float alone would take the words "1.5" and "nan" too."""
    found = value.item() if hasattr(value, "item") else value
    if not isinstance(found, Real):
        raise TypeError(
            f"measure returned {reprlib.repr(found)}, which is not a number; return a float, or a dict of floats"
        )
    return float(found)


def is_no_result(error: BaseException) -> bool:
    """Whether an error, such as running out of memory, disk or time, says nothing about the architecture."""
    if isinstance(error, HarnessError):
        return False
    return isinstance(error, MemoryError | OSError | torch.OutOfMemoryError) or "can't allocate memory" in said(error)


def is_device_lost(scores: Mapping[str, Score]) -> bool:
    """Whether a GPU refused to go on with this process, so that whatever follows in it fails too."""
    return any(one.status == FAILED and "CUDA error" in one.reason for one in scores.values())


def _ends_run(error: BaseException, in_worker: bool) -> bool:
    """Whether an error inside a proxy says nothing about it: the machine is at fault, or the user wants to stop."""
    if isinstance(error, KeyboardInterrupt | Stopped):
        return not in_worker
    return is_no_result(error) and (not isinstance(error, OSError) or error.errno in _FAULTS_OF_MACHINE)
