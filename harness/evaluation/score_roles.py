"""What the columns of a score file are: the architecture's name, a seed, a data set, scores, or none of these."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness import columns

ARCH_NAMES = (
    columns.ARCH, "architecture", "arch_str", "arch_string", "architecture_string", "hash", "module_hash", "arch_hash",
)  # fmt: skip
INDEX_NAMES = (columns.INDEX, "arch_index", "arch_idx", "arch_id")
MATRIX_NAMES = ("matrix", "module_adjacency", "adjacency")
OPERATION_NAMES = ("ops", "module_operations", "operations")
_SEED_NAMES = (columns.SEED,)
_DATASET_NAMES = (columns.DATASET, "data_set")
_BENCH_NAMES = (columns.BENCH, "benchmark")
KNOWN = (*ARCH_NAMES, *INDEX_NAMES, *MATRIX_NAMES)
"""Names by which a header is recognised, in lower case."""

RESERVED = frozenset(columns.AGREEMENT) - set(columns.SCORES)
"""Names of columns of the harness's own tables, which a proxy cannot have."""

_SECONDS = "_s"  # after a proxy's name in the table of `nas-harness score`
_OF_ROWS = re.compile(r"unnamed: \d+|level_\d+|__index_level_\d+__", re.ASCII)
_MEASURE = r"(?:acc|accs|accuracy|accuracies|top[-_ ]?[15]|err|error|loss|ground[-_ ]?truth|gt)"
_SPLIT = r"(?:train|training|test|val|valid|validation|eval)"
_ACCURACY = re.compile(
    rf"(?:.*[^a-z])?(?:acc|accs|accuracy|accuracies|top[-_ ]?[15]|ground[-_ ]?truth)(?:[^a-z].*)?|"
    rf"{_SPLIT}(?:[-_ ]?{_MEASURE})?[-_ ]?\d*(?:[-_ ](?:seed|epoch|ep)s?[-_ ]?\d+)?|truth",
    re.ASCII,
)


@dataclass(frozen=True)
class Roles:
    """The places of a header's columns by what they hold; -1 for what it lacks.

    `keys` name the architecture: one column, or matrix and operations. `values` are those that may be scores;
    `left_out` says of the others what they hold.
    """

    keys: tuple[int, ...]
    seed: int
    data_set: int
    bench: int
    values: tuple[int, ...]
    left_out: dict[str, str]


def roles_of(names: Sequence[str], chosen: Sequence[str] = ()) -> Roles:
    """The roles of a header's columns.

    Args:
        names: the header.
        chosen: columns that are scores whatever they are called; the others are none then.
    """
    lower = [name.strip().lower() for name in names]
    keys = _keys(lower, chosen, names)
    seed, data_set, bench = (_first(lower, one) for one in (_SEED_NAMES, _DATASET_NAMES, _BENCH_NAMES))
    taken = {*keys, seed, data_set, bench}
    values, left_out = [], {}
    for at, name in enumerate(names):
        if at in taken:
            continue
        if chosen:
            if name in chosen:
                values.append(at)
            continue
        what = _no_score(at, lower)
        if what:
            left_out[name or "the first column"] = what
        else:
            values.append(at)
    return Roles(keys, seed, data_set, bench, tuple(values), left_out)


def _keys(lower: Sequence[str], chosen: Sequence[str], names: Sequence[str]) -> tuple[int, ...]:
    """Which columns name the architecture: a name, else matrix and operations, an index, a column without a name."""
    free = ["" if name in chosen and name != columns.ARCH else one for one, name in zip(lower, names, strict=True)]
    at = _first(free, ARCH_NAMES)
    if at >= 0:
        return (at,)
    matrix, operations = _first(free, MATRIX_NAMES), _first(free, OPERATION_NAMES)
    if matrix >= 0 and operations >= 0:
        return (matrix, operations)
    at = _first(free, INDEX_NAMES)
    if at >= 0:
        return (at,)
    return (0,) if lower[:1] == [""] and len(lower) > 1 else ()


def _no_score(at: int, lower: Sequence[str]) -> str:
    """What a column holds by its name, if it holds no scores; otherwise empty."""
    name = lower[at]
    if name in ARCH_NAMES or name in (*MATRIX_NAMES, *OPERATION_NAMES):
        return "another name of the architectures"
    if name in INDEX_NAMES:
        return "index"
    if (name == "" and at == 0) or _OF_ROWS.fullmatch(name):
        return "row numbers"
    if name == columns.TRUTH:
        return "ground truth"
    if name == columns.SECONDS or (name.endswith(_SECONDS) and name.removesuffix(_SECONDS) in lower):
        return "seconds"
    return "an accuracy by its name" if is_accuracy(name) else ""


def is_accuracy(name: str) -> bool:
    """Whether a column is called as accuracies and losses of trained networks are: `test_acc`, `val200`, `top1`."""
    return _ACCURACY.fullmatch(name.strip().lower()) is not None


def _first(lower: Sequence[str], names: Iterable[str]) -> int:
    return next((lower.index(name) for name in names if name in lower), -1)
