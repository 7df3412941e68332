"""Records of a run: its scores are taken from scores.parquet, and every statistic is computed from them again."""

import hashlib
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness import columns
from harness.cli.invocation import anywhere
from harness.errors import CorruptDataError, HarnessError, MissingDataError, OptionError
from harness.evaluation.evaluation_set import open_evaluation_set
from harness.files.atomic import sha256_of
from harness.inputs import DATA_SETS, InputKind
from harness.records.files import PROXY, SCORES, Scores, table_bytes, write_record
from harness.records.needs import needs_of
from harness.records.record import (
    FORMAT,
    Cost,
    InputsOf,
    Needs,
    Origin,
    PopulationOf,
    ProxyOf,
    Record,
    RunOf,
    ScoresOf,
    TruthOf,
)
from harness.records.statistics import Subject, statistics_of
from harness.records.submitted import SubmittedRun, is_elsewhere, read_submitted, why_not
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.settings import ALL, Settings
from harness.space import BENCHMARKS

_OWN_PACKAGE = "proxies"


@dataclass(frozen=True)
class Made:
    """What became of a run: the folders that were written or were there already, and what was left out and why."""

    written: Sequence[Path]
    unchanged: Sequence[Path]
    left_out: Sequence[str]


def submit(folder: Path, root: Path, store: Path, only: Sequence[str] = ()) -> Made:
    """Write a record of each proxy of a run.

    Proxies by path are imported, since what they ask for is observed.

    Args:
        folder: of the run.
        root: the folder of records.
        store: the score store; counts that it lacks are computed.
        only: names of proxies; empty: all.

    Raises:
        HarnessError: for a run that cannot be read, ground truth of another version, or a record that is there with
            other scores.
    """
    run = read_submitted(folder)
    named = list(dict.fromkeys(str(name) for name in run.agreement[columns.PROXY]))
    lacking = [name for name in only if name not in named]
    if lacking:
        raise OptionError(f"--proxy {lacking[0]} is invalid: the run has {', '.join(named)}.")
    specs = _specs(run)
    written: list[Path] = []
    unchanged: list[Path] = []
    left_out: list[str] = []
    same = [name for name in (*columns.SUBJECT, *columns.APPENDED_TEXT) if name != columns.SEED]
    for _, rows in run.agreement.groupby(same, sort=False):
        name = str(rows[columns.PROXY].iloc[0])
        if only and name not in only:
            continue
        why = why_not(run, rows)
        if why:
            left_out.append(f"{name} on {rows[columns.BENCH].iloc[0]} {rows[columns.DATASET].iloc[0]}: {why}")
            continue
        spec = None if is_elsewhere(rows) else specs.get(name)
        record, files = _made(run, rows, spec, store)
        path, is_new = write_record(root, record, files)
        (written if is_new else unchanged).append(path)
    return Made(written, unchanged, left_out)


def _specs(run: SubmittedRun) -> dict[str, ProxySpec]:
    """The proxies of the run that are here, by name, with their options; files before plug-ins of the same name."""
    options = dict(run.config.options or {})
    named = {str(name) for name in run.agreement[columns.PROXY]}
    found: dict[str, ProxySpec] = {}
    for word in [*(run.config.proxy or ()), *sorted(named)]:
        if word in found:
            continue
        try:
            specs = parse_proxies([word], {})
            own = {spec.name: options[spec.name] for spec in specs if spec.name in options}
            for spec in parse_proxies([word], own):
                found.setdefault(spec.name, spec)
        except HarnessError:
            if word not in named:  # a file that is not here any more; a column of scores= is no proxy
                raise
    return found


def _made(
    run: SubmittedRun, rows: pd.DataFrame, spec: ProxySpec | None, store: Path
) -> tuple[Record, dict[str, bytes]]:
    """The record of a proxy's rows, and its files."""
    first, config = rows.iloc[0], run.config
    bench, data_set, name = (str(first[column]) for column in (columns.BENCH, columns.DATASET, columns.PROXY))
    if spec is None and not is_elsewhere(rows):
        raise MissingDataError(f"The proxy {name} of {run.folder} is not here; install it or give its file again.")
    scores = _scores(run, rows)
    space = BENCHMARKS.get(bench)
    settings = Settings(
        sample=ALL, truth=str(first[columns.TRUTH]), population=str(first[columns.POPULATION]),
        inputs=(InputKind.noise,), store=store,
    )  # fmt: skip
    archs = [space.architectures[row] for row in scores.index]
    evaluated = open_evaluation_set(space, DATA_SETS.get(data_set), settings, archs)
    stated = run.provenance["truth"][f"{bench}/{data_set}"]["sha256"]
    if stated != evaluated.truth.sha256:
        raise MissingDataError(
            f"{run.folder} was compared with another version of the ground truth {evaluated.truth.name} of {bench} on "
            f"{data_set} than is here; run the evaluation again."
        )
    uses = frozenset[str]() if spec is None else spec.proxy_class.uses()
    protocol = config.protocol if "protocol" in uses else None
    inputs = _inputs(run, f"{bench}/{data_set}", list(scores.by_seed)) if "inputs" in uses else None
    proxy, code = _proxy_of(name, str(first[columns.VERSION]), spec)
    subject = Subject(
        bench, str(space.version), data_set,
        PopulationOf(evaluated.population.name, len(evaluated.population.index)),
        TruthOf(evaluated.truth.name, evaluated.truth.sha256, evaluated.truth.source, evaluated.truth.unit or None),
        (proxy.name, proxy.version, proxy.origin), config.against, config.smallest,
    )  # fmt: skip
    table = table_bytes(scores)
    seconds = float(rows[columns.SECONDS].mean())
    record = Record(
        FORMAT, bench, subject.space_version, data_set, subject.population, subject.truth, proxy,
        ScoresOf(hashlib.sha256(table).hexdigest(), scores.values_sha256, len(scores.index)),
        statistics_of(subject, scores, store),
        Cost(seconds if np.isfinite(seconds) else None, config.device, _machine(run.provenance)),
        Needs() if spec is None else needs_of(spec), _run_of(run.provenance), protocol, inputs,
        None if columns.NO_SEED in scores.by_seed else tuple(scores.by_seed),
    )  # fmt: skip
    return record, {SCORES: table} | ({} if code is None else {PROXY: code})


def _inputs(run: SubmittedRun, place: str, seeds: Sequence[str]) -> InputsOf:
    """The inputs of a benchmark and data set that run.json names, by seed."""
    told = run.provenance.get("inputs", {})
    by_seed = {seed: told.get(f"{place}/seed{seed}") for seed in seeds}
    if not all(by_seed.values()):
        raise CorruptDataError(f"{run.folder / 'run.json'} does not name the inputs of {place}. Run it again.")
    first = next(iter(by_seed.values()))
    return InputsOf(InputKind(first["kind"]), first["source"], {seed: one["sha256"] for seed, one in by_seed.items()})


def _scores(run: SubmittedRun, rows: pd.DataFrame) -> Scores:
    """The columns of a proxy's seeds, in the order of the run."""
    first = rows.iloc[0]
    frame = run.scores
    if columns.BENCH in frame.columns:
        is_here = (frame[columns.BENCH] == first[columns.BENCH]) & (frame[columns.DATASET] == first[columns.DATASET])
        frame = frame[is_here]
    name = str(first[columns.PROXY])
    by_seed = {}
    for position, seed in enumerate(str(seed) for seed in rows[columns.SEED]):
        column = name if position == 0 else f"{name}#{seed}"
        if column not in frame.columns:
            raise CorruptDataError(f"{run.folder / 'scores.parquet'} has no column {column}. Run the evaluation again.")
        by_seed[seed if seed else columns.NO_SEED] = frame[column].to_numpy(dtype=np.float64)
    return Scores(frame[columns.INDEX].to_numpy(dtype=np.int64), by_seed)


def _proxy_of(name: str, stated: str, spec: ProxySpec | None) -> tuple[ProxyOf, bytes | None]:
    """Where a proxy's code is, and the content of its file where the record keeps it."""
    if spec is None:
        called = name.partition(" (")[0]  # NAME (FILE), where a proxy is so called
        return ProxyOf(called, stated, Origin.elsewhere), None
    proxy_class = spec.proxy_class
    options = {option: json.loads(json.dumps(value, default=str)) for option, value in spec.options}
    own = str(getattr(proxy_class, "version", stated))
    if spec.is_external:
        return ProxyOf(name, own, Origin.function, options, spec.digest), None
    if spec.path is not None:
        return ProxyOf(name, own, Origin.file, options, spec.digest), Path(spec.path).read_bytes()
    package = proxy_class.__module__.partition(".")[0]
    if package == _OWN_PACKAGE:
        return ProxyOf(name, own, Origin.built_in, options), None
    distribution = packages_distributions().get(package, [package])[0]
    digest = sha256_of(Path(str(sys.modules[proxy_class.__module__].__file__)))
    return ProxyOf(name, own, Origin.package, options, digest, distribution, version(distribution)), None


def _machine(provenance: Mapping[str, Any]) -> str:
    """The processor that run.json names last in its line on the device."""
    return str(provenance.get("device", "")).rpartition(", ")[2] or platform.machine()


def _run_of(provenance: Mapping[str, Any]) -> RunOf:
    versions = {str(name): str(value) for name, value in provenance.get("versions", {}).items()}
    command, date = anywhere(str(provenance.get("command") or "unknown")), str(provenance.get("date") or "unknown")
    return RunOf(command, date, versions, str(provenance.get("git_commit") or "") or None)
