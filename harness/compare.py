"""The command `python -m harness.compare A B`: what changed between two runs.

Rows are matched by benchmark, data set, proxy, options, protocol, inputs and seed. Where versions of proxy or
space, truth, images or the sample differ, two values are of two things: they are shown with the reason and without a
difference.
"""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("compare"))

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import columns
from harness.errors import CorruptDataError, MissingDataError
from harness.files.atomic import write_whole
from harness.report import TERMINAL_WIDTH
from harness.report.escape import csv_text
from harness.report.tables import correlation_text, number, records
from harness.report.verdict import signed_text
from harness.result_tables import read_agreement, read_verdicts

SAME_THING = (
    columns.BENCH, columns.DATASET, columns.PROXY, columns.OPTIONS, columns.PROTOCOL, columns.INPUTS, columns.SEED,
)  # fmt: skip
EQUAL, CHANGED, OTHER, ONLY_A, ONLY_B = "equal", "changed", "not comparable", "only in A", "only in B"


@dataclass(frozen=True)
class Run:
    """One side of a comparison.

    Attributes:
        path: of its agreement.csv.
        agreement: its rows, columns of `columns.AGREEMENT`.
        verdicts: its rows of verdict.csv; none in a run of an older version.
        provenance: its run.json; empty for a file alone.
    """

    path: Path
    agreement: pd.DataFrame
    verdicts: pd.DataFrame
    provenance: Mapping[str, object]


@dataclass(frozen=True)
class Change:
    """What became of one row: `values` are tau and rho in A and in B, NaN where there is none."""

    subject: Mapping[str, str]
    status: str
    values: tuple[float, float, float, float]
    reason: str = ""
    verdict: str = ""

    @property
    def differences(self) -> tuple[float, float]:
        """Tau and rho of B less those of A; NaN where they are not of the same thing."""
        if self.status not in (EQUAL, CHANGED):
            return math.nan, math.nan
        tau_a, rho_a, tau_b, rho_b = self.values
        return tau_b - tau_a, rho_b - rho_a


def read_run(path: Path) -> Run:
    """A run by its folder or its agreement.csv; files of older versions load.

    Raises:
        MissingDataError: there is no such file.
        CorruptDataError: it is not what it should be, or has a row twice.
    """
    file = path / "agreement.csv" if path.is_dir() else path
    agreement = read_agreement(file)
    twice = agreement[agreement.duplicated(list(SAME_THING))]
    if len(twice):
        name, seed = twice[columns.PROXY].iloc[0], twice[columns.SEED].iloc[0]
        raise CorruptDataError(
            f"{file} has the proxy {name} with seed {seed} more than once for one benchmark, data set and protocol, so "
            "its rows are ambiguous. Compare files of single runs."
        )
    return Run(file, agreement, read_verdicts(file.parent / "verdict.csv"), _provenance(file.parent / "run.json"))


def changes(first: Run, second: Run) -> list[Change]:
    """What became of every row of either run, rows of A first and in its order."""
    rows_a, rows_b = _by_subject(first.agreement), _by_subject(second.agreement)
    return [
        _change(key, rows_a.get(key), rows_b.get(key), (first, second)) for key in dict.fromkeys([*rows_a, *rows_b])
    ]


def _change(
    key: tuple[str, ...],
    row_a: dict[str, object] | None,
    row_b: dict[str, object] | None,
    runs: tuple[Run, Run],
) -> Change:
    subject = dict(zip(SAME_THING, key, strict=True))
    values = (*_taus(row_a), *_taus(row_b))
    if row_a is None or row_b is None:
        return Change(subject, ONLY_B if row_a is None else ONLY_A, values)
    verdict = _verdict_change(subject, runs)
    reason = _why_not_comparable(row_a, row_b, runs)
    if reason:
        return Change(subject, OTHER, values, reason, verdict)
    same = all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in ((values[0], values[2]), (values[1], values[3])))
    return Change(subject, EQUAL if same else CHANGED, values, "", verdict)


def _why_not_comparable(row_a: dict[str, object], row_b: dict[str, object], runs: tuple[Run, Run]) -> str:
    """Differences in what was measured, as text; empty where the two rows are of the same thing."""
    found = [
        f"{name} {row_a[name]} against {row_b[name]}"
        for name in (columns.VERSION, columns.TRUTH, columns.COMPONENTS)
        if row_a[name] != row_b[name]
    ]
    if _differ(runs, ("space_versions", str(row_a[columns.BENCH]))):
        found.append(f"the networks of {row_a[columns.BENCH]} are of a different version")
    place = f"{row_a[columns.BENCH]}/{row_a[columns.DATASET]}"
    if row_a[columns.TRUTH] == row_b[columns.TRUTH] and _differ(runs, (columns.TRUTH, place, "sha256")):
        found.append("the truth's file (sha256) differs")
    seed = row_a[columns.SEED]
    if row_a[columns.INPUTS] not in ("none", "external") and _differ(runs, ("inputs", f"{place}/seed{seed}", "sha256")):
        found.append("the images (sha256) differ")
    if _differ(runs, ("config", "sample_seed")) or _differ(runs, ("n_architectures", place)):
        found.append("other architectures were drawn")
    elif row_a[columns.N] != row_b[columns.N]:
        found.append(f"n {row_a[columns.N]} against {row_b[columns.N]}")
    return "; ".join(found)


def _differ(runs: tuple[Run, Run], path: Sequence[str]) -> bool:
    """Whether both provenances have an entry and the entries differ."""
    entries = []
    for run in runs:
        entry: object = run.provenance
        for name in path:
            entry = entry.get(name) if isinstance(entry, Mapping) else None
        entries.append(entry)
    return None not in entries and entries[0] != entries[1]


def _verdict_change(subject: Mapping[str, str], runs: tuple[Run, Run]) -> str:
    """Verdicts that are others in B, as text: "params: undecided -> yes"."""
    found = []
    for run in runs:
        rows = run.verdicts
        if rows.empty:
            return ""
        own = rows[(rows[list(SAME_THING)] == pd.Series(subject)).all(axis=1)]
        found.append(dict(zip(own[columns.BASELINE], own[columns.BEATS], strict=True)))
    before, after = found
    both = [name for name in before if before[name] and after.get(name)]  # a baseline has comparisons, but no verdict
    return ", ".join(f"{name}: {before[name]} -> {after[name]}" for name in both if after[name] != before[name])


def _by_subject(agreement: pd.DataFrame) -> dict[tuple[str, ...], dict[str, object]]:
    return {tuple(str(row[name]) for name in SAME_THING): row for row in records(agreement)}


def _taus(row: dict[str, object] | None) -> tuple[float, float]:
    return (math.nan, math.nan) if row is None else (number(row[columns.TAU]), number(row[columns.RHO]))


def _provenance(path: Path) -> Mapping[str, object]:
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CorruptDataError(f"{path} cannot be read: {error}. Delete it to compare without it.") from None
    return contents if isinstance(contents, Mapping) else {}


def table_of(found: Sequence[Change]) -> pd.DataFrame:
    """The changes as a table: subject, status, tau and rho of A and B, differences, reason, verdict."""
    rows = []
    for change in found:
        tau, rho = change.differences
        values = dict(zip(("tau_a", "rho_a", "tau_b", "rho_b"), change.values, strict=True))
        rest = {"tau_difference": tau, "rho_difference": rho, "reason": change.reason, "verdict": change.verdict}
        rows.append({**change.subject, "status": change.status, **values, **rest})
    return pd.DataFrame(rows)


def print_changes(found: Sequence[Change], console: Console) -> None:
    """Rows that are not equal, and a line that counts all."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("bench", "data set", "proxy", "what"):
        table.add_column(name, overflow="fold")
    for name in ("tau A", "tau B", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    shown = [change for change in found if change.status != EQUAL or change.verdict]
    for change in shown:
        subject = change.subject
        options = f" ({subject[columns.OPTIONS]})" if subject[columns.OPTIONS] else ""
        seed = f" seed {subject[columns.SEED]}" if subject[columns.SEED] not in ("none", "0") else ""
        cells = (
            subject[columns.BENCH],
            subject[columns.DATASET],
            subject[columns.PROXY] + options + seed,
            change.status,
            correlation_text(change.values[0]),
            correlation_text(change.values[2]),
            signed_text(change.differences[0]),
            "; ".join(text for text in (change.reason, change.verdict) if text),
        )
        table.add_row(*(Text(cell) for cell in cells))
    if shown:
        console.print(table)
    counts = {
        status: sum(change.status == status for change in found) for status in (EQUAL, CHANGED, OTHER, ONLY_A, ONLY_B)
    }
    console.print(", ".join(f"{count} {status}" for status, count in counts.items()), markup=False)


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("compare", words)


def run(arguments: argparse.Namespace) -> None:
    """Compare two runs.

    Raises:
        HarnessError: for a user error.
    """
    found = changes(read_run(arguments.a), read_run(arguments.b))
    print_changes(found, Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False))
    if arguments.csv is not None:
        try:
            write_whole(arguments.csv, csv_text(table_of(found)).encode())
        except OSError as error:
            raise MissingDataError(f"'{arguments.csv}' cannot be written: {error.strerror}.") from None
