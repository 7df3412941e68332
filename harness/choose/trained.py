"""The accuracies of the trained architectures, from a file."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.columns import ARCH, INDEX
from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.space import Architecture, SearchSpace


@dataclass(frozen=True, eq=False)
class Trained:
    """Official indices [n] of trained architectures, their accuracies [n], higher is better, and the column's name."""

    name: str
    index: NDArray[np.int64]
    accuracies: NDArray[np.float64]


def read_trained(word: str, space: SearchSpace) -> Trained:
    """What `truth=FILE.csv:COLUMN` names; `:min` after it where lower is better.

    Raises:
        OptionError: if it is not of this form.
        MissingDataError, CorruptDataError, UnknownNameError: if the file is missing, no such table, or names an
            architecture that the space lacks.
    """
    found, _, better = word.rpartition(":") if word.endswith((":min", ":max")) else (word, "", "max")
    path_text, colon, column = found.rpartition(":")
    if not (colon and path_text.lower().endswith(".csv")):
        raise OptionError(f"truth={word} is invalid: it must be FILE.csv:COLUMN, the accuracies of what was trained.")
    path, sign = Path(path_text).expanduser(), -1.0 if better == "min" else 1.0
    known: dict[int, float] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = reader.fieldnames or []
            named_by = ARCH if ARCH in names else INDEX
            if named_by not in names or column not in names:
                shown = ", ".join(names) or "(none)"
                raise CorruptDataError(f"'{path}' has the columns {shown}; it needs {ARCH} or {INDEX}, and {column}.")
            for row in reader:
                text = (row[column] or "").strip()
                at = space.index(Architecture(space.find((row[named_by] or "").strip())))
                if at in known:
                    raise CorruptDataError(f"'{path}' has the architecture '{row[named_by]}' more than once.")
                known[at] = sign * _number(text, f"'{path}', line {reader.line_num}, column {column}")
    except FileNotFoundError:
        raise MissingDataError(f"There is no file '{path}'; truth= takes FILE.csv:COLUMN.") from None
    except (OSError, UnicodeError, csv.Error) as error:
        raise CorruptDataError(f"'{path}' is not a CSV file: {' '.join(str(error).split())}.") from error
    finite = {at: value for at, value in known.items() if not math.isnan(value)}
    values = np.array(list(finite.values()), dtype=np.float64)
    return Trained(f"{path.name}:{column}", np.array(list(finite), dtype=np.int64), values)


def _number(text: str, where: str) -> float:
    if text.lower() in ("", "nan", "na", "n/a", "null", "none"):
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise CorruptDataError(f"{where} has '{text[:60]}', which is not a number; leave it empty if it is unknown.")
    return value
