"""Readers of the tables that an evaluation writes, also of those of older versions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness.columns import (
    AGREEMENT,
    APPENDED,
    APPENDED_TEXT,
    BASELINE,
    BEATS,
    BENCH,
    COMPONENTS,
    COVERAGE,
    DATASET,
    DELTA,
    MEASURED,
    OF_NETWORKS,
    POPULATION,
    SCORES,
    SUBJECT,
    TEXT_BEFORE,
    VERDICT,
    VERDICT_NUMBERS,
    VERDICT_TEXT,
    from_cell,
)
from harness.errors import CorruptDataError, MissingDataError


def read_agreement(path: Path) -> pd.DataFrame:
    """The rows of an `agreement.csv` of this or an older version, in the order of `AGREEMENT`.

    Numbers that the file does not have yet are NaN, texts what they were then; columns that a newer version added stay,
    at the end.

    Raises:
        MissingDataError: there is no such file.
        CorruptDataError: the file is not a table, or lacks columns that every version has.
    """
    # An empty text is an empty text ("no options") and a proxy may be called "null": only numbers can be missing.
    missing = {name: ["", "nan", "NaN"] for name in MEASURED + APPENDED + OF_NETWORKS + COVERAGE}
    texts = dict.fromkeys(SUBJECT + APPENDED_TEXT, str)
    try:
        table = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=missing)
    except FileNotFoundError:
        raise MissingDataError(
            f"There is no agreement table at {path}. An evaluation writes one into its out=."
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, ValueError) as error:
        raise CorruptDataError(
            f"{path} is not an agreement table: {str(error).strip()}. Run the evaluation again."
        ) from error
    lacking = [name for name in SUBJECT + MEASURED if name not in table.columns]
    if lacking:
        raise CorruptDataError(
            f"{path} is not an agreement table: it lacks the columns {', '.join(lacking)}. Run the evaluation again."
        )
    return in_order(_from_cells(table))


def read_verdicts(path: Path) -> pd.DataFrame:
    """The rows of a `verdict.csv` of this or an older version; none where there is no such file.

    Numbers that the file does not have yet are NaN, texts empty; the population of an older file is the whole space.

    Raises:
        CorruptDataError: the file is not a table of verdicts.
    """
    if not path.is_file():
        return pd.DataFrame(columns=list(VERDICT))
    always = (*SUBJECT, BASELINE, BEATS)
    text = dict.fromkeys((*always, *VERDICT_TEXT), str)
    numbers = [name for name in VERDICT if name not in (*text, COMPONENTS)]
    missing = {name: ["", "nan", "NaN"] for name in numbers}
    try:
        table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=missing)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, ValueError) as error:
        raise CorruptDataError(
            f"{path} is not a table of verdicts: {str(error).strip()}. Run the evaluation again."
        ) from error
    lacking = [name for name in (*always, DELTA) if name not in table.columns]
    if lacking:
        raise CorruptDataError(
            f"{path} is not a table of verdicts: it lacks {', '.join(lacking)}. Run the evaluation again."
        )
    before = dict.fromkeys(VERDICT_TEXT, "") | {POPULATION: "all"} | dict.fromkeys(VERDICT_NUMBERS, np.nan)
    return _from_cells(table.assign(**{name: value for name, value in before.items() if name not in table.columns}))


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the columns of `AGREEMENT` first and in order; what it lacks is as `read_agreement` says."""
    ordered = table.reindex(columns=[*AGREEMENT, *_others(table, AGREEMENT)], fill_value=np.nan)
    return ordered.assign(**{name: text for name, text in TEXT_BEFORE.items() if name not in table.columns})


def proxy_columns(scores: pd.DataFrame) -> list[str]:
    """Names of the proxies in a table of scores, in its order."""
    return _others(scores, (BENCH, DATASET, *SCORES))


def _from_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the texts that `to_cell` made cells of."""
    texts = [name for name in (*SUBJECT, BASELINE, COMPONENTS, POPULATION) if name in table.columns]
    return table.assign(
        **{name: [from_cell(cell) if isinstance(cell, str) else cell for cell in table[name]] for name in texts}
    )


def _others(table: pd.DataFrame, known: Sequence[str]) -> list[str]:
    return [str(name) for name in table.columns if name not in known]
