"""The command `python -m harness.tables table=NAME|all [scores=FOLDER] [store=FILE] [out=FOLDER]`."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("tables"))

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from harness.cli.config import plain_values
from harness.cli.reading import read_into
from harness.errors import MissingDataError, OptionError
from harness.figure_options import FigureFormat, FigureOptions, FigureStyle
from harness.paths import oracles_home
from harness.tables.answer import write_answer
from harness.tables.audit import write_audit
from harness.tables.cells import table_cells
from harness.tables.counting import write_counting
from harness.tables.facts import write_facts
from harness.tables.scores import MissingScoresError, ScoreSources
from harness.tables.spec import ANSWER, AUDIT, COUNTING, FACTS, PUBLISHED, TableSpec, read_spec, table_names
from harness.tables.write import summary, write_figure, write_table_files

ALL = "all"


@dataclass(frozen=True)
class TableSettings:
    """Defaults are those of the command line; see conf/tables.yaml for what each one means."""

    table: tuple[str, ...] | None = None
    scores: Path = Path("results/scores")
    store: Path | None = None
    predictions: Path = Path("results/prediction")
    oracles: Path | None = None
    out: Path = Path("results/tables")
    figures: FigureFormat | None = None
    style: FigureStyle = FigureStyle.paper
    column: str | float | None = None

    @property
    def figure_options(self) -> FigureOptions | None:
        """Of figures for a paper or slides; None where none were asked for."""
        return None if self.figures is None else FigureOptions(self.figures, self.style, self.column)


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("tables", words)


def read(config: DictConfig) -> TableSettings:
    """Which tables, from where to where.

    Raises:
        HarnessError: for values that are invalid.
    """
    settings = read_into(TableSettings, plain_values(config))
    _ = settings.figure_options  # a column that there is not is told before anything is written
    if settings.table is None:
        raise OptionError(f"No table was named. Give table=NAME or table=all; known: {', '.join(table_names())}.")
    return settings


def run(settings: TableSettings) -> None:
    """Regenerate tables.

    Raises:
        HarnessError: for a user's mistake or missing data.
    """
    asked = settings.table or ()
    names = [name for word in asked for name in (table_names() if word == ALL else [word])]
    specs = [read_spec(name) for name in dict.fromkeys(names)]
    store = None if settings.store is None else settings.store.expanduser()
    joined = oracles_home() if settings.oracles is None else settings.oracles.expanduser()
    sources = ScoreSources(settings.scores.expanduser(), store, settings.predictions.expanduser(), joined)
    out = settings.out.expanduser()
    for spec in specs:
        try:
            said, path = _WRITTEN[spec.kind](spec, sources, out)
            if settings.figure_options is not None and spec.kind in PUBLISHED:
                write_figure(out, spec, list(table_cells(spec, sources)), settings.figure_options)
        except (MissingDataError, MissingScoresError) as error:
            if len(specs) == 1:
                raise
            print(f"{spec.name}: left as it is. {error}")
            continue
        print(f"{spec.name}: {said}")
        print(f"  {path}")


def _write_published(spec: TableSpec, sources: ScoreSources, out: Path) -> tuple[str, Path]:
    cells = list(table_cells(spec, sources))
    return summary(cells), write_table_files(out, spec, cells)[0]


_WRITTEN = dict.fromkeys(PUBLISHED, _write_published) | {
    COUNTING: write_counting,
    AUDIT: write_audit,
    ANSWER: write_answer,
    FACTS: write_facts,
}
