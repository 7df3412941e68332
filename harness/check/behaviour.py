"""Checks of what a proxy does to the world around it: it is repeatable, needs no company, and leaves nothing behind."""

from collections.abc import Iterator

from harness.check.finding import Finding, failed, note, passed
from harness.check.harness import ORDINARY, CheckHarness, companions, is_ok, small_context, unharmed
from harness.check.side_effects import NetworkState, differing, generators, global_settings
from harness.protocol import Mode, Protocol
from harness.randomness import isolated
from harness.scoring.process_state import ProcessState
from harness.store import Score


def check_behaviour(harness: CheckHarness) -> Iterator[Finding]:
    """One finding per check, in order."""
    yield _deterministic(harness)
    yield _company(harness)
    yield from _network(harness)
    yield from _left_behind(harness)


def _deterministic(harness: CheckHarness) -> Finding:
    if not harness.proxy.deterministic:
        return note("deterministic", "a measurement by its own word (deterministic = False): runs are not compared")
    back = [harness.score(cell) for cell in reversed(ORDINARY)][::-1]
    for one, other in zip(harness.ordinary, back, strict=True):
        if not _equal(one, other):
            return failed(
                "deterministic",
                f"{_said(one)}, and {_said(other)} the second time; take random numbers from torch, numpy or random as "
                "they are (the harness seeds them), and keep nothing from one architecture to the next",
            )
    return passed("deterministic", "equal twice, in either order of the architectures")


def _company(harness: CheckHarness) -> Finding:
    others, alone = companions(harness.execute)
    others = {name: proxy for name, proxy in others.items() if name != harness.name}
    by_itself = harness.ordinary[0]
    for comes_first in (True, False):
        together = harness.scores_on(harness.subject(ORDINARY[0]), others, comes_first=comes_first)
        moved = [name for name in others if together[name].components != alone[name].components]
        if moved:
            return failed(
                "company",
                f"beside it the scores of {', '.join(moved)} change; leave network and shared evidence as they were",
            )
        if harness.proxy.deterministic and not _equal(by_itself, together[harness.name]):
            return failed(
                "company",
                f"{_said(by_itself)} alone, {_said(together[harness.name])} beside {', '.join(others)}; use nothing "
                "but the evidence that measure is handed",
            )
    return passed("company", f"the same alone and beside {', '.join(others)}; theirs do not change either")


def _network(harness: CheckHarness) -> Iterator[Finding]:
    if not harness.proxy.runs_network():
        yield passed("network", "runs none")
        yield passed("hooks", "runs no network")
        return
    changed: list[str] = []
    hooks: list[str] = []
    for mode in (Mode.train, Mode.eval):  # in eval mode the buffers too must stay
        subject = harness.subject(ORDINARY[0], small_context(Protocol(batch_size=8, mode=mode)))
        before = NetworkState.of(subject.network)
        harness.score_on(subject)
        after = NetworkState.of(subject.network)
        changed += [what for what in before.changed_in(after) if what not in changed]
        hooks += [where for where in before.hooks_left_in(after) if where not in hooks]
    yield (
        failed("network", f"{_some(changed)} changed: work on a copy, copy.deepcopy(subject.network)")
        if changed
        else passed("network", "parameters, buffers and mode as before")
    )
    yield (
        failed("hooks", f"hooks stay on {_some(hooks)}: remove them in a `finally`, with handle.remove()")
        if hooks
        else passed("hooks", "none left")
    )


def _left_behind(harness: CheckHarness) -> Iterator[Finding]:
    """What it does to its evidence, the generators and global settings, from two runs that start differently."""
    evidence: list[str] = []
    settings: list[str] = []
    drawn: list[str] = []
    ends = []
    for start in (0, 1):
        with unharmed(), isolated("examination", start):
            before, settings_before = generators(), global_settings()
            state = ProcessState()
            changed = harness.measure_unprotected(harness.subject(ORDINARY[0]))
            ends.append(generators())
            evidence += [what for what in changed if what not in evidence]
            drawn += [name for name in differing(before, ends[-1]) if name not in drawn]
            found = [*differing(settings_before, global_settings()), *state.restore_code(), *state.restore_settings()]
            settings += [name for name in dict.fromkeys(found) if name not in settings]
    yield (
        failed("evidence", f"{_some(evidence)} changed, which other proxies share: avoid abs_() and its like")
        if evidence
        else passed("evidence", "as it was handed over")
    )
    # From two different states to the same one: somebody has seeded it.
    yield _generators(harness, drawn, seeded=[name for name in drawn if ends[0][name] == ends[1][name]])
    yield (
        failed("globals", f"{_some(settings)} changed; put it back, or do without")
        if settings
        else passed("globals", "threads, dtype, gradient mode, environment as before")
    )


def _generators(harness: CheckHarness, drawn: list[str], *, seeded: list[str]) -> Finding:
    if seeded:
        return failed(
            "generators",
            f"seeds the global generator of {', '.join(seeded)}, so seed= has no effect on it: leave it out, the "
            "harness seeds from what a draw is for",
        )
    if drawn and not harness.proxy.runs_network():
        return failed(
            "generators",
            f"draws from the global generator of {', '.join(drawn)} without running a network, where none is seeded; "
            "use harness.randomness.generator(...)",
        )
    if drawn:
        return passed("generators", f"draws from that of {', '.join(drawn)}, which the harness seeds and puts back")
    return passed("generators", "untouched")


def _equal(one: Score, other: Score) -> bool:
    if is_ok(one) and is_ok(other):
        return one.components == other.components
    return (one.status, one.reason) == (other.status, other.reason)


def _said(score: Score) -> str:
    return ", ".join(f"{value:.9g}" for value in score.components.values()) if is_ok(score) else score.reason


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
