"""A score table that `nas-harness store export` wrote, as a file of scores computed elsewhere."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.columns import INDEX
from harness.errors import CorruptDataError, HarnessError
from harness.evaluation.score_file import ScoreFile
from harness.proxy import PROXIES, Sees
from harness.scoring.proxy_spec import ProxySpec
from harness.space import BENCHMARKS
from harness.store import ScoreTable, read_table

_METADATA_KEY = b"harness.scores"
_PARQUET = b"PAR1"


def is_score_table(path: Path) -> bool:
    """Whether a file is an exported score table, by what it says of itself; False for one that cannot be read."""
    try:
        with path.open("rb") as file:
            if file.read(len(_PARQUET)) != _PARQUET:
                return False
        return _METADATA_KEY in (pq.read_schema(path).metadata or {})
    except (OSError, ValueError, pa.ArrowException):
        return False


def read_score_table(path: Path) -> ScoreFile:
    """The scores of an exported table: one column, called as the proxy.

    Proxies that see live operations only are stored for canonical forms: their scores are given to all architectures of
    these forms.

    Raises:
        CorruptDataError: if it is damaged, or its scores cannot be formed from its components.
        StoreError: if it is of another version of the space.
    """
    table = read_table(path)
    key = table.header.key
    name = key.proxy.partition("@")[0]
    bench = key.space.partition("@")[0]
    index, components = _of_all(bench, table) if _sees_live(name) else (table.rows.index.to_numpy(), table.components)
    components.index = pd.RangeIndex(len(components))
    values = _combined(path, name, key.options, components)
    n_rows = len(index)
    return ScoreFile(
        path,
        (INDEX,),
        [str(place) for place in index],
        range(1, n_rows + 1),
        {name: values},
        None if key.seed < 0 else np.full(n_rows, key.seed, dtype=np.int64),
        [key.data_set] * n_rows if key.data_set else None,
        [bench] * n_rows,
    )


def _combined(path: Path, name: str, options: str, components: pd.DataFrame) -> NDArray[np.float64]:
    """The score of each row; a proxy that is not known here must have one component, which is its score."""
    if not len(components):
        raise CorruptDataError(f"'{path}' has no rows; each is an architecture with its scores.")
    if name in PROXIES:
        try:
            given = tuple(sorted(json.loads(options).items()))
            values = ProxySpec(name, given).combined(components)
            return np.asarray(values, dtype=np.float64)
        except (HarnessError, ValueError, TypeError, KeyError) as error:
            raise CorruptDataError(f"'{path}' does not hold components of {name}: {error}.") from None
    if components.columns.empty:  # undefined throughout
        return np.full(len(components), np.nan)
    if len(components.columns) != 1:
        raise CorruptDataError(
            f"'{path}' has {len(components.columns)} components of {name}, a proxy that is not known here; only the "
            "proxy says what its score is."
        )
    return components.iloc[:, 0].to_numpy(dtype=np.float64)


def _sees_live(name: str) -> bool:
    return name in PROXIES and PROXIES.get(name).sees is Sees.LIVE


def _of_all(bench: str, table: ScoreTable) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """The components of every architecture whose canonical form is in the table, with their indices."""
    form = _canonical_index(bench)
    index = np.flatnonzero(np.isin(form, table.rows.index.to_numpy()))
    return index, table.components.reindex(form[index])


@cache
def _canonical_index(bench: str) -> NDArray[np.int64]:
    space = BENCHMARKS.get(bench)
    archs = space.architectures
    return np.array([space.index(form) for form in space.canonical_forms(archs)], dtype=np.int64)
