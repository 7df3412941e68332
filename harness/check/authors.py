"""Checks of a function of somebody's code: how it is called, and what it changes of what it is given."""

from collections.abc import Iterator

from torch import Tensor

from harness.check.behaviour import check_behaviour
from harness.check.cases import check_cases, check_device, check_value
from harness.check.cost_and_direction import check_judgement
from harness.check.finding import Finding, failed, note, passed
from harness.check.harness import ORDINARY, CheckHarness, unharmed
from harness.check.side_effects import NetworkState
from harness.evidence import PrivateNetworkAndImages
from harness.scoring.authors import AuthorsFunction
from harness.scoring.process_state import checksum
from harness.store import FAILED

_REPLACED = frozenset({"network", "hooks"})  # of networks that proxies share; this one has its own


def check_function(name: str, function: AuthorsFunction, *, quick: bool) -> Iterator[Finding]:
    """One finding per check, in order."""
    given = ", ".join(parameter.words for parameter in function.parameters)
    bare = "" if function.with_normalisation else "; without batch normalisation, as its package declares"
    yield passed("called with", f"{given}{bare}")
    device, names_gpu = check_device(CheckHarness(name, function))
    harness = CheckHarness(name, function, redirect=names_gpu)
    yield device
    yield check_value(harness)
    yield from _changes(harness, function)
    if all(score.status == FAILED for score in harness.ordinary):
        return
    for finding in check_behaviour(harness):
        if finding.check not in _REPLACED:
            yield finding
    yield from check_cases(harness)
    if not quick:
        yield from check_judgement(harness)


def _changes(harness: CheckHarness, function: AuthorsFunction) -> Iterator[Finding]:
    """What a run leaves changed of the network and the batches that it was given: told, and harmless here."""
    (private,) = PrivateNetworkAndImages.collect_all(harness.subject(ORDINARY[0]), [PrivateNetworkAndImages])
    lent = function.lent(private)
    before, sums = NetworkState.of(lent.network), _sums(lent.batches)
    with harness.caught(), unharmed():
        try:
            function.run(lent)
        except (Exception, SystemExit) as error:
            yield failed("runs", f"{type(error).__name__}: {error}".partition("\n")[0])
    after = NetworkState.of(lent.network)
    kinds = _kinds([what for what in before.changed_in(after) if not what.startswith(".grad of")])
    kinds += [f"hooks left on {_some(hooks)}"] if (hooks := before.hooks_left_in(after)) else []
    kinds += _added(before, after)
    kinds += ["the batches"] if _sums(lent.batches) != sums else []
    kinds += ["requires_grad of the images"] if any(images.requires_grad for images, _ in lent.batches) else []
    if kinds:
        yield note("changes", f"{'; '.join(kinds)}. On a copy of its own, so nothing else sees it")
    else:
        yield passed("changes", "weights, buffers, modes, hooks and batches are as before")


def _kinds(changed: list[str]) -> list[str]:
    """What changed, by kind: `parameter cells.0.weight` is of the kind parameter."""
    found: dict[str, list[str]] = {}
    for what in changed:
        kind, _, where = what.replace("the network", "itself").rpartition(" ")
        found.setdefault(kind or what, []).append(where)
    return [f"{kind.removesuffix(' of')} of {_some(places)}" for kind, places in found.items()]


def _added(before: NetworkState, after: NetworkState) -> list[str]:
    """Parameters and modules that were not there."""
    new = [where for where in after.hooks if where not in before.hooks]
    return [f"new in the network: {_some(new)}"] if new else []


def _sums(batches: list[tuple[Tensor, Tensor]] | object) -> list[int]:
    assert isinstance(batches, list)
    return [checksum(tensor) for batch in batches for tensor in batch]


def _some(names: list[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
