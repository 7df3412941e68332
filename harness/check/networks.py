"""Checks of a space of the user's own networks, one property at a time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import thread_time

import torch
from torch import Tensor

from harness.check.evidence_kinds import KindFound, kinds_of
from harness.check.finding import Finding, failed, note, passed
from harness.errors import HarnessError, PlugInError
from harness.evidence import Subject
from harness.evidence.base import ScoringContext
from harness.evidence.task import fitted_loss
from harness.inputs import DATA_SETS, BatchRequest, DataSet, InputKind, draw_batches, preferred_kind
from harness.protocol import Protocol
from harness.proxy import PROXIES
from harness.randomness import isolated
from harness.scoring.arithmetic import single_thread
from harness.scoring.authors_call import takes_network
from harness.space import BENCHMARKS, Architecture, ModelSpace, space_of
from harness.space.own_network import OwnNetwork
from harness.store import FAILED, UNDEFINED

BATCH_SIZE = 8
MOST = 12
"""Networks that are examined; of more, the first, the last and some between."""
_MOST_KINDS = 3
_MEGABYTE = 2**20
_HALF = 0.5


@dataclass(frozen=True)
class Examined:
    """A network that was built and run once."""

    arch: str
    seconds: float
    weight_bytes: int
    kept_bytes: int


def is_space(word: str) -> bool:
    """Whether `check` is given a file of networks, a function that builds them, or the name of such a space."""
    if word in BENCHMARKS and word not in PROXIES:
        return isinstance(BENCHMARKS.get(word), ModelSpace)
    path, _, name = word.rpartition(":")
    if name and path.endswith(".py"):
        return not takes_network(Path(path).expanduser(), name)
    if not word.endswith(".py") or not Path(word).expanduser().is_file():
        return False
    text = Path(word).expanduser().read_text(encoding="utf-8", errors="replace")
    return "ModelSpace" in text and "PROXIES.register" not in text


def check_networks(word: str, archs: Sequence[str] | None, data_set: str | None) -> Iterator[Finding]:
    """One finding per check, in order.

    Args:
        word: the file or the name, as `bench=` takes it.
        archs: the names, where the word names a function.
        data_set: what the networks run on; None: what the space names first, otherwise digits.
    """
    try:
        space = space_of(word, archs)
        if not isinstance(space, ModelSpace):
            raise PlugInError(f"{word} is no space of networks.")
        if archs is None and not space.architectures:
            raise PlugInError(f"{word} is a function; name the architectures to build: --archs=NAME,NAME.")
        names = [str(name) for name in space.architectures]
        space.check(names[0])
    except HarnessError as error:
        yield failed("loads", str(error))
        return
    yield passed("loads", f"{space.name}, {len(names):,} network{'s' * (len(names) > 1)}")
    yield _names(space, names)
    chosen = data_set or (space.data_sets[0] if space.data_sets else "digits")
    inputs = DATA_SETS.get(chosen)
    subjects = [Subject(_context(space, inputs), Architecture(name), "live") for name in _spread(names)]
    with single_thread():
        wrong, finding = _builds(subjects)
        yield finding
        subjects = [one for one in subjects if one.arch not in wrong]
        if not subjects:
            return
        yield _repeatable(subjects)
        examined, findings = _runs(subjects)
        yield from findings
        if not examined:
            return
        yield _equal(space, names, inputs)
        yield from _kinds([one for one in subjects if one.arch in {seen.arch for seen in examined}])
        yield _cost(examined)


def _context(space: ModelSpace, data_set: DataSet) -> ScoringContext:
    protocol = Protocol(batch_size=BATCH_SIZE)
    kind = preferred_kind(data_set, (InputKind.real, InputKind.substitute, InputKind.noise))
    batches = draw_batches(data_set, BatchRequest(kind, protocol.n_batches, BATCH_SIZE, 0)).batches
    return ScoringContext(space, data_set, protocol, 0, batches, torch.device("cpu"))


def _spread(names: Sequence[str]) -> list[str]:
    if len(names) <= MOST:
        return list(names)
    return [names[round(at * (len(names) - 1) / (MOST - 1))] for at in range(MOST)]


def _names(space: ModelSpace, names: Sequence[str]) -> Finding:
    again = [str(name) for name in space.architectures]
    fresh = again
    if type(space).__init__ is ModelSpace.__init__ or type(space).__init__ is object.__init__:
        fresh = [str(name) for name in type(space)().architectures]
    if list(names) != again or list(names) != fresh:
        return failed("names", "architectures are others, or in another order, when listed again: give a fixed list")
    return passed("names", "the same in the same order each time, none twice")


def _builds(subjects: Sequence[Subject]) -> tuple[set[str], Finding]:
    wrong: dict[str, str] = {}
    for subject in subjects:
        try:
            _network(subject)
        except PlugInError as error:
            wrong[subject.arch] = str(error)
    if wrong:
        return set(wrong), failed("builds", f"{next(iter(wrong.values()))}{_others(len(wrong))}")
    kinds = {type(_network(subject).body).__name__ for subject in subjects}
    return set(), passed("builds", f"{len(subjects)} network{'s' * (len(subjects) > 1)} of {', '.join(sorted(kinds))}")


def _network(subject: Subject) -> OwnNetwork:
    network = subject.context.space.network(subject.arch, subject.context.data_set, seed=0)
    assert isinstance(network, OwnNetwork)
    return network


def _repeatable(subjects: Sequence[Subject]) -> Finding:
    for subject in subjects:
        ends = []
        for start in (0, 1):  # the generators stand elsewhere before
            with isolated("examination", start):
                ends.append(_network(subject).digests)
        what = "network" if ends[0][0] != ends[1][0] else "initial weights" if ends[0] != ends[1] else ""
        if what:
            return failed(
                "repeatable",
                f"'{subject.arch}' has another {what} each time it is built: draw random numbers from the global "
                "generators of torch, numpy or random, which the harness seeds, and from nothing else",
            )
    seeds = [subjects[0].context.space.network(subjects[0].arch, subjects[0].context.data_set, seed=s) for s in (0, 1)]
    if len({one.digests for one in seeds if isinstance(one, OwnNetwork)}) == 1:
        return note("repeatable", "the same network each time, but with the same initial weights for every seed too")
    return passed("repeatable", "the same network and initial weights each time, other weights for another seed")


def _runs(subjects: Sequence[Subject]) -> tuple[list[Examined], list[Finding]]:
    """The networks that run forward and backward, with findings on their outputs and gradients."""
    examined: list[Examined] = []
    output_faults: list[str] = []
    gradient_faults: list[str] = []
    notes: list[str] = []
    for subject in subjects:
        started, kept = thread_time(), 0

        def keep(tensor: Tensor) -> Tensor:
            nonlocal kept
            kept += tensor.numel() * tensor.element_size()
            return tensor

        network = subject.build(init=subject.context.protocol.init, seed=0)
        assert isinstance(network, OwnNetwork)
        batch, data_set = subject.context.batches[0], subject.context.data_set
        parameters = [one for one in network.parameters() if one.requires_grad]
        try:
            with isolated("examination"), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                outputs = network(subject.to_run(batch.images))
                loss = fitted_loss(network, data_set, outputs, batch.targets)
        except PlugInError as error:
            output_faults.append(str(error))
            continue
        if not math.isfinite(float(loss.detach())):
            output_faults.append(f"the loss of '{subject.arch}' is {float(loss.detach())}")
            continue
        if data_set.classes(batch.targets) is not None and outputs.shape[-1] > data_set.n_classes:
            notes.append(f"'{subject.arch}' has {outputs.shape[-1]} outputs for {data_set.n_classes} classes")
        fault = _gradients(subject.arch, loss, parameters)
        if fault:
            gradient_faults.append(fault)
        size = sum(one.numel() * one.element_size() for one in network.parameters())
        examined.append(Examined(subject.arch, thread_time() - started, size, kept))
    name = subjects[0].context.data_set.name
    if output_faults:
        findings = [failed("outputs", f"{output_faults[0]}{_others(len(output_faults))}")]
    elif notes:
        findings = [note("outputs", f"{notes[0]}: the rest are never right, but count in the loss")]
    else:
        findings = [passed("outputs", f"fit the loss of {name}, which is finite")]
    if examined:
        findings.append(
            failed("gradients", f"{gradient_faults[0]}{_others(len(gradient_faults))}")
            if gradient_faults
            else passed("gradients", "finite")
        )
    return examined, findings


def _gradients(arch: str, loss: Tensor, parameters: Sequence[Tensor]) -> str:
    """What is wrong with the gradients; empty: nothing."""
    if not (parameters and loss.requires_grad):
        return f"the loss of '{arch}' depends on no parameter that is trained"
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    if all(one is None for one in found):
        return f"the loss of '{arch}' depends on no parameter that is trained"
    if any(one is not None and not bool(one.isfinite().all()) for one in found):
        return f"a gradient of '{arch}' is infinite or NaN"
    return ""


def _equal(space: ModelSpace, names: Sequence[str], data_set: DataSet) -> Finding:
    forms = [space.canonical(Architecture(name)) for name in names]
    pairs = [(name, str(form)) for name, form in zip(names, forms, strict=True) if form != name]
    if not pairs:
        return passed("equal names", "every name is a network of its own; `canonical` may say which are equal")
    for name, form in pairs[:MOST]:
        if form not in space or space.canonical(Architecture(form)) != form:
            return failed(
                "equal names", f"canonical('{name}') is '{form}', which must be a name that stands for itself"
            )
        # Of a benchmark too, whose own keys are names.
        keys = ModelSpace.keyed(space, [Architecture(name), Architecture(form)], data_set, 0)
        one, other = (key.rpartition("#")[2] for key in keys)
        if one != other:
            return failed("equal names", f"'{name}' and '{form}' are declared equal, but their networks differ")
    return passed("equal names", f"{len(pairs):,} names declared equal to another, with equal networks")


def _kinds(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Every kind of evidence on some of the networks, and what part of them is seen."""
    found: dict[str, list[KindFound]] = {}
    for subject in subjects[:_MOST_KINDS]:
        for kind in kinds_of(subject):
            found.setdefault(kind.kind, []).append(kind)
    for name, of_kind in found.items():
        broken = next((one for one in of_kind if one.status == FAILED), None)
        undefined = next((one for one in of_kind if one.status == UNDEFINED), None)
        if broken is not None:
            yield failed(name, broken.reason)
        elif undefined is not None:
            yield passed(name, f"undefined: {undefined.reason}")
        else:
            yield _covered(name, of_kind)


def _covered(name: str, of_kind: Sequence[KindFound]) -> Finding:
    shares = {
        what: min(seen)
        for what in ("weights", "activations")
        if (seen := [part for one in of_kind if (part := getattr(one.coverage, what, None)) is not None])
    }
    text = ", ".join(f"{seen:.0%} of the {what}" for what, seen in shares.items())
    if any(seen < _HALF for seen in shares.values()):
        return note(name, f"defined, but sees only {text}")
    return passed(name, f"defined, sees {text}" if text else "defined")


def _cost(examined: Sequence[Examined]) -> Finding:
    slowest, largest = max(examined, key=lambda one: one.seconds), max(examined, key=lambda one: one.kept_bytes)
    heaviest = max(one.weight_bytes for one in examined)
    return passed(
        "cost",
        f"up to {slowest.seconds * 1e3:.3g} CPU ms to build and run a batch of {BATCH_SIZE} forward and backward "
        f"('{slowest.arch}'); up to {heaviest / _MEGABYTE:.3g} MB of weights, and "
        f"{largest.kept_bytes / _MEGABYTE:.3g} MB kept for the backward pass",
    )


def _others(n_wrong: int) -> str:
    return f" ({n_wrong - 1} more like this)" if n_wrong > 1 else ""
