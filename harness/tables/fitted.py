"""Rows of a published table that are fitted to accuracies: what runs of `nas-harness predict` found for the same."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import CorruptDataError, OptionError
from harness.files.out_folder import RECORD
from harness.settings import ALL
from harness.tables.cell import NAN, Cell
from harness.tables.spec import Published, TableSpec
from harness.truth.table import TruthColumn

_SUMMARY, _ROWS = "summary.csv", "predictor.csv"


@dataclass(frozen=True)
class Fitted:
    """A model, as `models=` of `nas-harness predict` names it, and the number of networks that it learns from."""

    model: str
    n: int

    @classmethod
    def read(cls, word: str) -> "Fitted":
        """Of a word MODEL@N.

        Raises:
            OptionError: if it is none.
        """
        model, _, n = word.rpartition("@")
        if not model or not n.isdecimal():
            raise OptionError(f"fitted={word} is invalid: it must be MODEL@N, such as random_forest:graf@1024.")
        return cls(model, int(n))


def fitted_cells(
    spec: TableSpec, folder: Path, truth: tuple[TruthColumn, bool], figures: list[Published], n_population: int
) -> Iterator[Cell]:
    """The cells of one fitted row on one data set: means over draws of trained networks.

    They have no interval: those of a table are about unseen architectures, and these means vary with what is trained.

    Args:
        spec: of the table.
        folder: of runs of `nas-harness predict`.
        truth: of the table, and whether it is the default one of the data set.
        figures: the published ones.
        n_population: architectures that the table is about.

    Raises:
        CorruptDataError: a run of `folder` cannot be read.
    """
    column, _ = truth
    bench, dataset, published = figures[0].bench, figures[0].dataset, figures[0].proxy
    fitted = Fitted.read(spec.fitted[published])
    found = _found(folder, spec, (bench, dataset), truth, fitted)
    for figure in figures:
        cell = Cell(
            bench, dataset, published, fitted.model, figure.coefficient, figure.text, figure.spread,
            n_population=n_population, truth=column.name, population=spec.population,
        )  # fmt: skip
        if found is None:
            words = f"bench={bench} dataset={dataset} truth={column.name} population={spec.population}"
            command = f"nas-harness predict {words} sample=all n={fitted.n} models={fitted.model} out={folder / 'NAME'}"
            yield replace(cell, missing=command)
        elif figure.coefficient not in found:
            yield replace(cell, missing=f"{figure.coefficient} of fitted rows is not computed")
        else:
            value = float(found[figure.coefficient])
            yield replace(
                cell,
                ours=value,
                signed=value,
                difference=value - figure.value,
                n=round(found["n_predicted"]),
                networks=float(found["tau_networks"]) if figure.coefficient == "tau" else NAN,
                protocol=f"{fitted.n:,} accuracies",
                inputs=f"mean of {int(found['draws'])} draws",
            )


def _found(
    folder: Path, spec: TableSpec, place: tuple[str, str], truth: tuple[TruthColumn, bool], fitted: Fitted
) -> Mapping[str, Any] | None:
    """What the first run, by name, that is about the same found: its row of summary.csv, and `n_predicted`."""
    column, is_default = truth
    truths = (column.name, None) if is_default else (column.name,)
    for path in sorted(folder.glob(f"*/{RECORD}")):
        try:
            config = json.loads(path.read_text())["config"]
            about = (config["bench"], config["dataset"], config["population"])
            if about != ([place[0]], [place[1]], spec.population) or config["truth"] not in truths:
                continue
            if config.get("sample") not in (None, ALL) or config.get("restrict") is not None:
                continue
            summary, rows = (_of_model(pd.read_csv(path.parent / name), fitted) for name in (_SUMMARY, _ROWS))
            if len(summary):
                row = {str(name): value for name, value in summary.iloc[0].items()}
                return row | {"n_predicted": rows["n_predicted"].mean()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = f"{type(error).__name__} in its files"
            raise CorruptDataError(f"{path.parent} is no run of nas-harness predict: {reason}.") from None
    return None


def _of_model(table: pd.DataFrame, fitted: Fitted) -> pd.DataFrame:
    models = table["predictor"] + ":" + table["features"]
    return table[(models == fitted.model) & (table["n"] == fitted.n)]
