"""The scores that a table may use: those of exactly the same proxy, protocol and inputs, from tables and stores."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.cli.config import named_protocol
from harness.cli.settings_text import choices
from harness.errors import HarnessError, OptionError
from harness.evaluation.sampling import sample_index
from harness.protocol import Protocol
from harness.proxy import PROXIES, Sees
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.settings import Settings
from harness.space import BENCHMARKS, SearchSpace
from harness.store import OK, Header, ScoreStore, ScoreTable, read_header, read_table, table_paths
from harness.tables.spec import TableSpec

# Fewer architectures than this are too few to compare with a value on the whole space.
FEWEST = 100


@dataclass(frozen=True, eq=False)
class Column:
    """A proxy's scores on a sample of a search space.

    Attributes:
        values: (n_archs,) scores, NaN if missing.
        header: of the score table that they come from.
        protocol: its name; `none` if the proxy uses none.
        seconds: mean CPU seconds per network.
        lacks: what most often is there instead of a score, status and reason; empty if none is missing.
    """

    values: NDArray[np.float64]
    header: Header
    protocol: str
    seconds: float
    lacks: str = ""


@dataclass(frozen=True, eq=False)
class Sampled:
    """Official indices (n_archs,) of a sample, and its scores."""

    index: NDArray[np.int64]
    column: Column


class MissingScoresError(HarnessError):
    """Scores that a table needs are missing; the message is the command that computes them."""


class ScoreSources:
    """Score tables of a folder and of a store, looked up by key; and where tables find what is no score.

    Args:
        folder: of score tables.
        store: that holds further scores.
        predictions: folder of runs of `nas-harness predict`, for fitted rows.
        joined: folder of joined tables, for facts; None where there is none.
    """

    def __init__(
        self,
        folder: Path,
        store: Path | None = None,
        predictions: Path = Path("results/prediction"),
        joined: Path | None = None,
    ) -> None:
        self.predictions = predictions
        self.joined = joined
        self._tables: list[tuple[Header, Callable[[], ScoreTable]]] = [
            (read_header(path), partial(read_table, path)) for path in table_paths(folder)
        ]
        if store is not None:
            self._tables += [(table.header, partial(_itself, table)) for table in _tables_of(store)]

    def find(self, spec: TableSpec, bench: str, dataset: str, proxy: str) -> Sampled:
        """A proxy's scores on the largest sample that they cover: the space, or the first N of its permutation.

        Raises:
            MissingScoresError: there are no such scores.
            UnknownNameError: there is no proxy of this name.
        """
        space = BENCHMARKS.get(bench)
        ours = parse_proxies([proxy], {proxy: spec.options[proxy]} if proxy in spec.options else {})[0]
        for protocol in map(named_protocol, spec.protocol):
            for kind in spec.inputs:
                found = [
                    load()
                    for header, load in self._tables
                    if _fits(header, ours, (space, dataset), protocol, kind, spec)
                ]
                sampled = [sampled_scores(space, ours, table, protocol) for table in found]
                large = [one for one in sampled if one.index.size >= FEWEST]
                if large:
                    # Two tables can differ in the batches only; the one with more architectures is used and named.
                    return max(large, key=lambda one: one.index.size)
        others = self._other_versions(ours, space, dataset)
        note = f" (scores of {', '.join(others)} exist, but versions are not mixed)" if others else ""
        raise MissingScoresError(command(spec, bench, dataset, proxy) + note)

    def places(self) -> list[tuple[str, str]]:
        """The (benchmark, data set) of which there are scores, in order of the registry."""
        there = {(header.key.space.partition("@")[0], header.key.data_set) for header, _ in self._tables}
        return [
            (bench, data_set)
            for bench in BENCHMARKS
            for data_set in BENCHMARKS.get(bench).data_sets
            if (bench, data_set) in there
        ]

    def all_of(self, bench: str, dataset: str) -> Iterator[tuple[ProxySpec, Sampled]]:
        """Every column of scores there, of this version of space and registered proxy, whatever its protocol."""
        space = BENCHMARKS.get(bench)
        for header, load in sorted(self._tables, key=lambda one: (one[0].key.proxy, one[0].key.options, one[0].inputs)):
            key = header.key
            name, _, version = key.proxy.partition("@")
            if (key.space, key.data_set) != (f"{space.name}@{space.version}", dataset) or key.source:
                continue
            if name not in PROXIES or str(PROXIES.get(name).version) != version:
                continue
            defaults = json.loads(ProxySpec(name).options_json)
            changed = {
                option: value
                for option, value in json.loads(key.options).items()
                if json.dumps(value) != json.dumps(defaults.get(option))  # text, because NaN is not equal to NaN
            }
            ours = parse_proxies([name], {name: changed} if changed else {})[0]
            sampled = sampled_scores(space, ours, load(), _protocol_of(key.protocol))
            if sampled.index.size >= FEWEST:
                yield ours, sampled

    def _other_versions(self, ours: ProxySpec, space: SearchSpace, dataset: str) -> list[str]:
        """Other versions of the proxy or the space for which there are scores."""
        own = (f"{space.name}@{space.version}", f"{ours.name}@{ours.proxy_class.version}")
        keys = [header.key for header, _ in self._tables if header.key.data_set == dataset]
        alike = [
            key
            for key in keys
            if key.space.partition("@")[0] == space.name and key.proxy.partition("@")[0] == ours.name
        ]
        return sorted({f"{key.proxy} on {key.space}" for key in alike if (key.space, key.proxy) != own})


def command(spec: TableSpec, bench: str, dataset: str, proxy: str) -> str:
    """The command that computes the scores that a table lacks."""
    words = [f"proxy={proxy}", f"bench={bench}", f"dataset={dataset}", "sample=all"]
    words += [] if spec.protocol[0] == "paper" else [f"protocol={spec.protocol[0]}"]
    words += [] if spec.inputs == ("real",) else [f"'inputs=[{','.join(spec.inputs)}]'"]
    words += [f"+options.{proxy}.{name}={value}" for name, value in spec.options.get(proxy, {}).items()]
    return f"python -m harness {' '.join(words)}"


def _protocol_of(key: str) -> Protocol:
    """The protocol of conf/protocol with this key; the first one for a proxy that uses none."""
    named = choices("protocol")
    found = [protocol for protocol in map(named_protocol, named) if protocol.key == key]
    return found[0] if found else replace(named_protocol(named[0]), name=key or named[0])


def _fits(
    header: Header, ours: ProxySpec, place: tuple[SearchSpace, str], protocol: Protocol, kind: str, spec: TableSpec
) -> bool:
    key, (space, dataset) = header.key, place
    uses = ours.proxy_class.uses()
    return (
        key.space == f"{space.name}@{space.version}"
        and key.data_set == dataset
        and key.proxy == f"{ours.name}@{ours.proxy_class.version}"
        and json.loads(key.options) == json.loads(ours.options_json)
        and key.source == ours.digest
        and key.protocol == (protocol.key if "protocol" in uses else "")
        and key.seed == (spec.seed if "seed" in uses else -1)
        and header.inputs == (kind if "inputs" in uses else "")
    )


def sampled_scores(space: SearchSpace, ours: ProxySpec, table: ScoreTable, protocol: Protocol) -> Sampled:
    """A proxy's scores on the largest sample that a table covers: the space, or the first N of its permutation."""
    scored_as = canonical_index(space.name) if ours.proxy_class.sees is Sees.LIVE else _own_index(space.name)
    is_scored = np.zeros(scored_as.size, dtype=bool)
    is_scored[table.rows.index.to_numpy()] = True
    covered = is_scored[scored_as]
    if covered.all():
        index = np.arange(scored_as.size)
    else:
        order = sample_index(space, Settings(sample=scored_as.size))
        gaps = np.flatnonzero(~covered[order])
        index = order[: gaps[0]]
    components = table.components.reindex(scored_as[index])
    components.index = pd.RangeIndex(index.size)
    values = ours.combined(components) if index.size else pd.Series(dtype="float64")
    seconds = float(table.rows["seconds"].mean())
    name = protocol.name if "protocol" in ours.proxy_class.uses() else "none"
    rows = table.rows[table.rows.index.isin(scored_as[index])]
    lacks = (rows["status"] + ": " + rows["reason"])[rows["status"] != OK].mode()
    found = Column(
        np.asarray(values, dtype=np.float64), table.header, name, seconds, str(lacks[0]) if len(lacks) else ""
    )
    return Sampled(index, found)


@cache
def canonical_index(bench: str) -> NDArray[np.int64]:
    """(n_space,) official index of each architecture's canonical form."""
    space = BENCHMARKS.get(bench)
    return np.array([space.index(space.canonical(arch)) for arch in space.architectures], dtype=np.int64)


@cache
def _own_index(bench: str) -> NDArray[np.int64]:
    return np.arange(len(BENCHMARKS.get(bench).architectures))


def _tables_of(store: Path) -> Sequence[ScoreTable]:
    if not store.is_file():
        raise OptionError(f"There is no score store '{store}'; leave store= out to use score tables alone.")
    with ScoreStore(store) as opened:
        return [ScoreTable.of(key, opened.find(key)) for key in opened.score_keys()]


def _itself(table: ScoreTable) -> ScoreTable:
    return table
