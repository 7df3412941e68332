"""Scores made elsewhere: a CSV file that goes straight to agreement."""

from pathlib import Path

import pandas as pd

from harness import columns
from harness.errors import CorruptDataError, MissingDataError


def read_scores(path: Path) -> pd.DataFrame:
    """Scores by architecture: the file's column `arch` becomes the index, every other column is a proxy of that name.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it has no column arch, no scores, an architecture twice, or a score that is no number.
    """
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise MissingDataError(f"There is no file '{path}'; scores= takes a CSV file with the column arch.") from None
    except (OSError, ValueError) as error:
        raise CorruptDataError(f"'{path}' is not a CSV file: {str(error).strip()}.") from error
    names = [name for name in table.columns if name != columns.ARCH]
    if columns.ARCH not in table.columns or not names:
        raise CorruptDataError(
            f"'{path}' has the columns {', '.join(map(str, table.columns))}; it needs arch and scores."
        )
    twice = table[columns.ARCH][table[columns.ARCH].duplicated()]
    if len(twice):
        raise CorruptDataError(f"'{path}' has the architecture '{twice.iloc[0]}' more than once.")
    for name in names:
        numbers = pd.to_numeric(table[name], errors="coerce")
        wrong = table[name][numbers.isna() & table[name].notna()]
        if len(wrong):
            raise CorruptDataError(f"'{path}' has '{wrong.iloc[0]}' in the column {name}, which is no number.")
        table[name] = numbers.astype("float64")
    return table.set_index(columns.ARCH)
