"""Composing: the scores of a run's proxies, those of them included that are made of the scores of others."""

import sys
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from harness.progress import AskedProgress
from harness.scoring.engines import open_engine
from harness.scoring.proxy_spec import ProxySpec
from harness.scoring.run import ExecutionOptions, ScoringRun, Unit, missing_units
from harness.scoring.unit_groups import split_units
from harness.scoring.workers import compute
from harness.space import Architecture
from harness.store import OK, Score, ScoreStore


def ensure(run: ScoringRun, archs: Sequence[Architecture], store: ScoreStore, execution: ExecutionOptions) -> None:
    """Have the store hold the scores of a run's proxies on some architectures.

    Raises:
        HarnessError: as `compute`.
    """
    measured = replace(run, specs=tuple(spec for spec in run.specs if not spec.parts))
    units = missing_units(measured, archs, store, execution)
    _require(measured, archs, units)
    if not execution.engine.is_local and split_units(units)[1]:
        open_engine(execution).ready()  # before a progress bar
    with _progress(measured, archs, units):
        compute(measured, units, store, execution)
    for spec in run.specs:
        if spec.parts:
            _compose(run, spec, archs, store, execution)


def require_space(
    run: ScoringRun, archs: Sequence[Architecture], store: ScoreStore, execution: ExecutionOptions
) -> None:
    """Make sure that what the store lacks can be counted and built.

    Raises:
        HarnessError: if one cannot be counted, or none built.
    """
    specs = [part for spec in run.specs for part in (spec.parts.values() or (spec,))]
    measured = replace(run, specs=tuple(dict.fromkeys(specs)))
    _require(measured, archs, missing_units(measured, archs, store, execution), quiet=True)


def _require(run: ScoringRun, archs: Sequence[Architecture], units: Sequence[Unit], *, quiet: bool = False) -> None:
    """Say which of the networks that are to be built for some architectures cannot be, unless it is to be `quiet`.

    Raises:
        HarnessError: if none can, or one that is to be counted cannot be.
    """
    space = run.context.space
    counted, built = ({unit.arch for unit in part} for part in split_units(units))
    missing = space.require_networks(_each_time(run, archs, built)) if built else ""
    if counted:
        space.require_counts(list(counted), run.context.find_data_set(), len(set(archs)))
    if missing and not quiet:
        print(f"{missing}.", file=sys.stderr)


def _each_time(run: ScoringRun, archs: Sequence[Architecture], built: Set[Architecture]) -> list[Architecture]:
    """What is to be built, as often as there are architectures that get its score, as the report counts them."""
    built_by = (spec for spec in run.specs if spec.proxy_class.runs_network())
    return max(([one for one in run.scored_as(spec, archs) if one in built] for spec in built_by), key=len)


def _progress(run: ScoringRun, archs: Sequence[Architecture], units: Sequence[Unit]) -> AskedProgress:
    """The bar of the requested architectures; counts move it only where no network is to be run."""
    counts, networks = split_units(units)
    work = networks or counts
    missing = {unit.arch for unit in work}
    seen_as = {spec.proxy_class.sees: run.scored_as(spec, archs) for spec in run.specs} if work else {}
    n_waiting = sum(not missing.isdisjoint(names) for names in zip(*seen_as.values(), strict=True))
    title = f"{run.context.space.name} {run.context.data_set}"
    unit = "networks" if networks else "architectures"
    return AskedProgress(title, len(archs), len(archs) - n_waiting, len(work), unit)


def _compose(
    run: ScoringRun, spec: ProxySpec, archs: Sequence[Architecture], store: ScoreStore, execution: ExecutionOptions
) -> None:
    """Store the scores of a proxy that is made of others', after theirs."""
    key, parts = run.key(spec), spec.parts
    known = store.known(key, but_failed=execution.retry_failed) if execution.resume else set()
    missing = [arch for arch in dict.fromkeys(run.scored_as(spec, archs)) if arch not in known]
    done = {run.key(other) for other in run.specs}
    others = tuple(part for part in parts.values() if run.key(part) not in done)
    ensure(replace(run, specs=others), missing, store, execution)
    of_parts: dict[str, list[Score]] = {}
    for component, part in parts.items():
        scored_as = run.scored_as(part, missing)
        stored = store.find(run.key(part), scored_as)
        of_parts[component] = [stored[arch] for arch in scored_as]
    made = [
        joined(arch, dict(zip(of_parts, scores, strict=True)))
        for arch, scores in zip(missing, zip(*of_parts.values(), strict=True), strict=True)
    ]
    store.add([(key, score) for score in made], replace=execution.replaces)


def joined(arch: Architecture, parts: Mapping[str, Score]) -> Score:
    """One score of which the parts' scores are the components; where one has none, its status and reason."""
    seconds = sum(score.seconds for score in parts.values())
    lacking = next((component for component, score in parts.items() if score.status != OK), None)
    if lacking is not None:
        return Score(arch, {}, parts[lacking].status, f"{lacking}: {parts[lacking].reason}", seconds)
    components = {component: next(iter(score.components.values())) for component, score in parts.items()}
    return Score(arch, components, OK, "", seconds)
