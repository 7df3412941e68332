"""Baselines: which columns of an evaluation are counts, and which counts the others are compared with."""

from collections.abc import Iterable, Sequence

from harness.agreement import COMPARED, RowKey
from harness.errors import OptionError
from harness.proxy import is_baseline


def compared_with() -> tuple[str, ...]:
    """The counts that every proxy is compared with."""
    return COMPARED


def baselines_among(row_keys: Iterable[RowKey]) -> frozenset[str]:
    """The names of the columns that are baselines, as `Proxy.baseline` says; scores computed elsewhere are none."""
    return frozenset(key.proxy for key in row_keys if is_baseline(key.proxy, version=key.version))


def missing_baselines(asked: Sequence[RowKey]) -> list[str]:
    """Counts to compare with that were not requested; none where only counts were requested."""
    names = {key.proxy for key in asked}
    if names == baselines_among(asked):
        return []
    return [name for name in compared_with() if name not in names]


def refuse_as_names(names: Iterable[str]) -> None:
    """Make sure that scores computed elsewhere are not called as the counts that they are compared with.

    Raises:
        OptionError: naming the columns.
    """
    taken = [name for name in names if name in compared_with()]
    if taken:
        raise OptionError(
            f"The file of scores= has a column called {', '.join(taken)}, as the count that scores are compared with; "
            "rename the column."
        )
