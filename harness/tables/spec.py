"""What a published table is: a YAML of conf/tables, and the published figures that it names."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.cli.reading import Source, read_into
from harness.errors import CorruptDataError, OptionError, UnknownNameError
from harness.inputs import InputKind
from harness.paths import conf_folder
from harness.registry import unknown_name
from harness.settings import ALL

CORRELATIONS, BEST = "correlations", "best_architecture"
COUNTING, AUDIT, ANSWER, FACTS = "counting", "audit", "answer", "facts"
PUBLISHED = (CORRELATIONS, BEST)
KINDS = (*PUBLISHED, COUNTING, AUDIT, ANSWER, FACTS)
GROUND_TRUTH = "ground_truth"


@dataclass(frozen=True)
class Published:
    """One published value, as printed.

    Attributes:
        bench, dataset, proxy: its position in the table; `ground_truth` for the best accuracy in the space.
        coefficient: tau, rho, ndcg or accuracy.
        text: the value as printed, so that its rounding is known.
        spread: the standard deviation printed with it; empty if there is none.
    """

    bench: str
    dataset: str
    proxy: str
    coefficient: str
    text: str
    spread: str = ""

    @property
    def value(self) -> float:
        """The value as a number."""
        return float(self.text)

    @property
    def rounding(self) -> float:
        """Half a unit in the last digit; of a correlation printed without decimals, as 0 is by some programs, .005."""
        n_decimals = len(self.text.partition(".")[2])
        if not n_decimals and self.coefficient != "accuracy":
            n_decimals = 2
        return 0.5 * 10.0**-n_decimals


@dataclass(frozen=True)
class TableSpec:
    """A published table and what it is compared with; the fields are the keys of the YAML, in any order.

    Attributes:
        name: of the file.
        title: of the table.
        published: CSV in conf/published; `source` and `table` select its rows. Empty for kinds that are no published
            table.
        kind: `correlations`, or `best_architecture`, the accuracy of the architecture that each proxy ranks first;
            `counting`, every proxy beside every count; `answer`, all proxies in one table, with the counts that each
            beats on every data set; `audit`, an audit's figures beside ours; `facts`, facts of benchmarks beside ours.
        bench: benchmarks; for `counting` and `answer` empty, all of which there are scores.
        population: the architectures that it is about, as `population=` names them.
        protocol: protocols in order of preference; the first under which a proxy was scored is used and named.
        inputs: kinds of inputs, in order of preference.
        truth: column per data set, per benchmark, or one for all; lists in order of preference; None: the default.
        proxies: our proxy for a published name, if the names differ.
        options: options of a proxy.
        reference: truth column that is shown as a row of the table: accuracy after a few epochs of training.
        absolute: whether the source printed absolute values.
        seed: of the proxies.
        fitted: by published name the model that is fitted to accuracies, and to how many: MODEL@N.
        unavailable: published names of proxies that this harness does not have.
        notes: sentences below the table.
    """

    name: str
    title: str
    published: str = ""
    source: str = ""
    table: str = ""
    bench: tuple[str, ...] = ()
    population: str = ALL
    protocol: tuple[str, ...] = ("paper",)
    inputs: tuple[str, ...] = ("real",)
    kind: str = CORRELATIONS
    truth: object = None
    proxies: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reference: str | None = None
    absolute: bool = False
    seed: int = 0
    fitted: Mapping[str, str] = field(default_factory=dict)
    unavailable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def truths(self, bench: str, dataset: str) -> tuple[str, ...]:
        """Truth columns in order of preference; empty: the default of conf/benchmarks."""
        stated = self.truth
        if isinstance(stated, Mapping):
            stated = stated.get(dataset, stated.get(bench))
        return () if stated is None else _names(stated)

    def figures(self) -> list[Published]:
        """The published values, in the order of the CSV; none for a kind that is no published table.

        Raises:
            CorruptDataError: the CSV has no values of the table.
        """
        if self.kind not in PUBLISHED:
            return []
        path = conf_folder() / "published" / self.published
        with path.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if (row["source"], row["table"]) == (self.source, self.table)]
        printed = (
            {"tau": "kendall", "rho": "spearman", "ndcg": "ndcg"}
            if self.kind == CORRELATIONS
            else {"accuracy": "test_accuracy"}
        )
        found = [
            Published(row["space"], row["dataset"], row["proxy"], coefficient, row[name], row.get("std", ""))
            for row in rows
            if row["space"] in self.bench
            for coefficient, name in printed.items()
            if row.get(name)
        ]
        if not found:
            raise CorruptDataError(
                f"{path} has no rows of {self.source}, {self.table}; see conf/tables/{self.name}.yaml."
            )
        return found


def tables_folder() -> Path:
    """The folder of the YAML files."""
    return conf_folder() / "tables"


def table_names() -> list[str]:
    """Names of the tables, in alphabetical order."""
    return sorted(path.stem for path in tables_folder().glob("*.yaml"))


def read_spec(name: str) -> TableSpec:
    """The table of conf/tables/<name>.yaml.

    Raises:
        UnknownNameError: there is no such table.
        OptionError: a key is unknown or missing.
    """
    if name not in table_names():
        raise UnknownNameError(unknown_name("table", name, table_names()))
    path = tables_folder() / f"{name}.yaml"
    try:
        values = OmegaConf.to_container(OmegaConf.load(path))
    except (OmegaConfBaseException, ValueError) as error:
        raise OptionError(f"{path} cannot be read: {str(error).splitlines()[0]}.") from None
    assert isinstance(values, dict)
    spec = read_into(TableSpec, {**values, "name": name}, Source(noun="key", file=str(path)))
    if spec.kind not in KINDS:
        raise OptionError(f"{path}: kind={spec.kind} is invalid: it must be {', '.join(KINDS[:-1])} or {KINDS[-1]}.")
    if spec.kind in PUBLISHED and not (spec.published and spec.source and spec.table and spec.bench):
        raise OptionError(f"{path} lacks published, source, table or bench, which say what the table is compared with.")
    kinds = [kind.value for kind in InputKind]
    for inputs in spec.inputs:
        if inputs not in kinds:
            raise OptionError(f"{path}: {unknown_name('inputs', inputs, kinds)}")
    return spec


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)
