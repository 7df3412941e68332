"""A benchmark as a pool for the simulation: its truth, and the scores of score tables alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from harness.choose.pool import Pool
from harness.errors import MissingDataError
from harness.evaluation.evaluation_set import default_truth
from harness.evaluation.sampling import sample_index
from harness.inputs import DataSet
from harness.proxy import PROXIES, is_baseline
from harness.scoring.proxy_spec import ProxySpec
from harness.settings import ALL, DEFAULT_SAMPLE, Settings
from harness.space import SearchSpace
from harness.store import Header, read_header, read_table
from harness.tables.scores import Sampled, sampled_scores
from harness.truth import Truth

FEWEST_TABLES = 5


def benchmark_pool(space: SearchSpace, data_set: DataSet, settings: Settings, tables: Path) -> tuple[Pool, str]:
    """The pool of which everything is known, and the name of its truth.

    Its architectures are the first N of the permutation that `sample=N` draws (by default 1,000), fewer where half of
    the score tables cover less; proxies that cover less than N are left out. Of several tables of a proxy the one of
    the protocol that is asked for is taken, of these the one that covers most; where a benchmark was scored with
    another protocol alone, that one.

    Raises:
        MissingDataError: if there are no such score tables, or no truth.
    """
    found = tabled_scores(space, data_set, settings, tables)
    if len(found) < FEWEST_TABLES:
        raise MissingDataError(
            f"There are {len(found)} score tables of {space.name} on {data_set.name} in {tables} as this version "
            f"computes them; a simulation takes {FEWEST_TABLES} or more: python -m harness.store export."
        )
    size = int(np.median([sampled.index.size for sampled in found.values()]))
    if settings.sample != ALL:
        size = min(size, DEFAULT_SAMPLE if settings.sample is None else int(settings.sample))
    index = sample_index(space, Settings(sample=size, sample_seed=settings.sample_seed))
    scores = {}
    for name, sampled in found.items():
        values = pd.Series(sampled.column.values, index=sampled.index).reindex(index)
        if sampled.index.size >= size and values.notna().any():
            scores[name] = values.to_numpy()
    archs = tuple(space.architectures[row] for row in index)
    truth = Truth.open(space.name)
    column = truth.column(data_set.name, settings.truth or default_truth(truth, space, data_set))
    accuracies = truth.values(archs, data_set.name, column.name) * (1 if column.higher_is_better else -1)
    known = np.isfinite(accuracies)
    classes = np.unique(np.array(space.canonical_forms(archs)), return_inverse=True)[1]
    table = pd.DataFrame(scores)[known].reset_index(drop=True)
    kept = [arch for arch, is_known in zip(archs, known, strict=True) if is_known]
    counts = frozenset(name for name in scores if is_baseline(name))
    return Pool(kept, index[known], classes[known], table, accuracies[known], counts), column.name


def tabled_scores(space: SearchSpace, data_set: DataSet, settings: Settings, tables: Path) -> dict[str, Sampled]:
    """By proxy, the scores of a folder of score tables, as this version computes them with default options.

    Of several tables of a proxy the one of the protocol that is asked for is taken, of these the one that covers most.
    """
    folder = tables.expanduser() / f"{space.name}@{space.version}" / data_set.name
    found: dict[str, Sampled] = {}
    order: dict[str, tuple[bool, int]] = {}
    for path in sorted(folder.glob("*.parquet")):
        header = read_header(path)
        spec = _spec_of(header, settings)
        if spec is not None:
            sampled = sampled_scores(space, spec, read_table(path), settings.protocol)
            rank = (header.key.protocol in ("", settings.protocol.key), sampled.index.size)
            if rank > order.get(spec.name, (False, -1)):
                found[spec.name], order[spec.name] = sampled, rank
    return found


def _spec_of(header: Header, settings: Settings) -> ProxySpec | None:
    """The proxy of a score table, if it is as this version computes it, with default options and the seed asked for."""
    name, _, version = header.key.proxy.partition("@")
    if name not in PROXIES:
        return None
    spec = ProxySpec(name)
    uses = spec.proxy_class.uses()
    kinds = [kind.value for kind in settings.inputs]
    fits = (
        version == str(spec.proxy_class.version)
        and json.loads(header.key.options) == json.loads(spec.options_json)
        and header.key.source == spec.digest
        and header.key.seed == (settings.seed if "seed" in uses else -1)
        and ("inputs" not in uses or header.inputs in kinds)
    )
    return spec if fits else None
