"""The table of agreement: what each row is about beside what was measured, in the columns of `agreement.csv`."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import NamedTuple

import pandas as pd

from harness import columns
from harness.agreement.measure import Agreement
from harness.result_tables import in_order


@dataclass(frozen=True)
class RowKey:
    """What a row of the table is about, as text; the fields but the last two are its first columns, in order.

    Attributes:
        bench, dataset, proxy: registered names.
        version: of the proxy.
        options: the proxy's options that differ from their defaults; empty: none.
        protocol: name and overrides.
        inputs: real, substitute or noise.
        truth: column of the truth table.
        seed: the proxies' own.
        components: for an ensemble the proxies that it combines, joined by "+"; empty: no ensemble.
        population: the architectures that it is about.
    """

    bench: str
    dataset: str
    proxy: str
    version: str
    options: str
    protocol: str
    inputs: str
    truth: str
    seed: str
    components: str = ""
    population: str = "all"


class Row(NamedTuple):
    """One row of the table: its subject, its agreement, and CPU seconds per network (NaN: not timed).

    `coverage` are the smallest shares of weights and activations that the proxy saw of a network; NaN: not stated.
    """

    row_key: RowKey
    agreement: Agreement
    seconds: float
    coverage: tuple[float, float] = (math.nan, math.nan)


def agreement_table(rows: Iterable[Row]) -> pd.DataFrame:
    """The rows as a data frame with the columns of `columns.AGREEMENT`, in the order given."""
    cells = [
        {
            **asdict(row.row_key),
            **row.agreement.columns(),
            columns.SECONDS: row.seconds,
            **dict(zip(columns.COVERAGE, row.coverage, strict=True)),
        }
        for row in rows
    ]
    return in_order(pd.DataFrame(cells, columns=list(columns.AGREEMENT)))
