"""Scores computed elsewhere (`scores=`): columns of files, named in this run, on the architectures of a space."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness import columns
from harness.cli.names import meant
from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.evaluation.score_file import ScoreFile, read_score_file
from harness.evaluation.score_roles import INDEX_NAMES
from harness.evaluation.score_table_file import is_score_table, read_score_table
from harness.files.atomic import sha256_of
from harness.registry import unknown_name
from harness.report.tables import correlation_text
from harness.space import Architecture, SearchSpace
from harness.space.notation import INDEX, OFFICIAL, read_all, shown


@dataclass(frozen=True, eq=False)
class ExternalColumn:
    """A column of scores on a space: `scores` gives each architecture's; `seed` is empty where the file has none."""

    name: str
    path: Path
    seed: str
    scores: Mapping[Architecture, float]

    def values(self, archs: Sequence[Architecture]) -> NDArray[np.float64]:
        """The scores of some architectures [n_archs], NaN where there is none."""
        return np.array([self.scores.get(arch, np.nan) for arch in archs], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class ScoresOnSpace:
    """What the files say of a space and data set: the architectures in the files' order, and columns over them.

    `notes` are sentences on how the files were read.
    """

    archs: tuple[Architecture, ...]
    columns: tuple[ExternalColumn, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ExternalScores:
    """The files of `scores=`.

    Attributes:
        files: as they were read.
        names: what each column of each file is called in this run.
        notation: in which the architectures are written; None: told from the texts.
    """

    files: tuple[ScoreFile, ...]
    names: tuple[Mapping[str, str], ...]
    notation: str | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def proxies(self) -> list[str]:
        """The names of all columns."""
        return [name for names in self.names for name in names.values()]

    @property
    def written(self) -> list[str]:
        """The architectures of all files as they are written there, each once."""
        return list(dict.fromkeys(arch for file in self.files for arch in file.archs))

    @property
    def digests(self) -> dict[str, str]:
        """The sha256 of each file."""
        return {str(file.path): sha256_of(file.path) for file in self.files}

    def on(self, space: SearchSpace, data_set: str) -> ScoresOnSpace:
        """The scores on one space and data set.

        Raises:
            MissingDataError: if none of the files has any on it.
            UnknownNameError: for an architecture that the space lacks, naming file and line.
            OptionError: for names in two notations, or with two meanings.
            CorruptDataError: for an architecture that a file names twice, in whatever notation.
        """
        found: list[ExternalColumn] = []
        notes = list(self.notes)
        archs: dict[Architecture, None] = {}
        lacking = []
        for file, names in zip(self.files, self.names, strict=True):
            rows = _rows_on(file, space.name, data_set)
            if not len(rows):
                lacking.append(_elsewhere(file, space.name, data_set))
                continue
            read, how = _archs(file, rows, space, self.notation)
            notes += how
            archs |= dict.fromkeys(read)
            found += _columns(file, rows, read, names)
        if not found:
            raise MissingDataError(lacking[0])
        notes += lacking
        notes += _duplicates(space, list(archs))
        return ScoresOnSpace(tuple(archs), tuple(found), tuple(dict.fromkeys(notes)))


def open_scores(
    paths: Sequence[Path], chosen: Sequence[str], taken: Collection[str], notation: str | None = None
) -> ExternalScores:
    """Read the files of `scores=`.

    A column that is called as one of this run, or of another file, is called `NAME (FILE)`: it is the file's, and is
    never taken for a baseline or proxy of the harness.

    Args:
        paths: of the files.
        chosen: the columns to take, `scores_columns`; empty: all that are told to be scores.
        taken: names that other columns of this run have.
        notation: of the architectures; None: told from the texts.

    Raises:
        HarnessError: for files that cannot be read, and columns that none of them has.
    """
    paths = list(dict.fromkeys(path.expanduser() for path in paths))
    files = tuple(_read(path, chosen) for path in paths)
    known = [name for file in files for name in file.scores]
    for name in chosen:
        if name not in known:
            raise OptionError(f"scores_columns={name} is invalid: {unknown_name('column', name, known)}")
    names, notes = [], []
    for file in files:
        called = {name: _called(name, file, files, taken) for name in file.scores}
        notes += [
            f"{_short(file.path)}: its column {shown(name)} is called {shown(other)} here, to tell it from another one"
            for name, other in called.items()
            if other != name
        ]
        names.append(called)
        if file.left_out:
            listed = ", ".join(f"{shown(name)} ({what})" for name, what in file.left_out.items())
            notes.append(f"{_short(file.path)}: left out {listed}; scores_columns=[NAME,...] chooses columns")
    return ExternalScores(files, tuple(names), notation, tuple(notes))


def _read(path: Path, chosen: Sequence[str]) -> ScoreFile:
    return read_score_table(path) if is_score_table(path) else read_score_file(path, chosen)


def _called(name: str, file: ScoreFile, files: Sequence[ScoreFile], taken: Collection[str]) -> str:
    """What a column is called in a run: by its own name, unless something else has it."""
    others = [other for other in files if other is not file and name in other.scores]
    if name not in taken and not others:
        return name
    alike = [other for other in others if other.path.name == file.path.name]
    return f"{name} ({file.path if alike else file.path.name})"


def _rows_on(file: ScoreFile, bench: str, data_set: str) -> NDArray[np.int64]:
    """The rows of a file that are about a benchmark and data set; all where it does not say."""
    fits = np.ones(len(file.archs), dtype=bool)
    for kind, names, wanted in (("data set", file.data_sets, data_set), ("benchmark", file.benches, bench)):
        if names is not None:
            known = {name: meant(kind, name) == wanted for name in set(names)}
            fits &= np.array([known[name] for name in names], dtype=bool)
    return np.flatnonzero(fits)


def _elsewhere(file: ScoreFile, bench: str, data_set: str) -> str:
    """The sentence that a file has nothing on a benchmark and data set."""
    parts = [sorted(set(names)) for names in (file.benches, file.data_sets) if names is not None]
    has = " on ".join(", ".join(map(shown, names[:10])) for names in parts)
    return f"'{file.path}' has no scores of {bench} on {data_set}; it has {has}."


def _archs(
    file: ScoreFile, rows: NDArray[np.int64], space: SearchSpace, notation: str | None
) -> tuple[list[Architecture], list[str]]:
    """The architecture of each row, and a note on how they are written unless as official strings."""
    texts = list(dict.fromkeys(file.archs[row] for row in rows))
    first = {file.archs[row]: file.lines[row] for row in rows[::-1]}
    if file.named_by[0].lower() in INDEX_NAMES and notation is None and space.enumerable:
        notation = INDEX
    read, archs = read_all(space, texts, lambda at: f"'{file.path}', line {first[texts[at]]}", notation)
    by_text = dict(zip(texts, archs, strict=True))
    _refuse_twice(file, rows, by_text)
    if read.name == OFFICIAL:
        return [by_text[file.archs[row]] for row in rows], []
    where = " and ".join(name or "the first column" for name in file.named_by)
    note = f"{_short(file.path)}: {where} names the architectures in the notation {read.name} ({read.words})"
    return [by_text[file.archs[row]] for row in rows], [note]


def _refuse_twice(file: ScoreFile, rows: NDArray[np.int64], by_text: Mapping[str, Architecture]) -> None:
    """Make sure that no architecture has two rows under different names."""
    if len(set(by_text.values())) == len(by_text):
        return
    seen: dict[tuple[Architecture, int], int] = {}
    for row in rows:
        key = by_text[file.archs[row]], -1 if file.seeds is None else int(file.seeds[row])
        if key in seen:
            raise CorruptDataError(
                f"'{file.path}' has the architecture {key[0]} more than once, in lines {file.lines[seen[key]]} "
                f"('{shown(file.archs[seen[key]])}') and {file.lines[row]} ('{shown(file.archs[row])}')."
            )
        seen[key] = int(row)


def _columns(
    file: ScoreFile, rows: NDArray[np.int64], archs: Sequence[Architecture], names: Mapping[str, str]
) -> list[ExternalColumn]:
    """Each column of a file, one for each of its seeds."""
    found = []
    seeds = np.full(len(rows), -1) if file.seeds is None else file.seeds[rows]
    for name, values in file.scores.items():
        for seed in np.unique(seeds):
            of_seed = np.flatnonzero(seeds == seed)
            scores = {archs[int(at)]: float(values[rows[at]]) for at in of_seed}
            text = columns.NO_SEED if file.seeds is None else str(seed)
            found.append(ExternalColumn(names[name], file.path, text, scores))
    return found


def _duplicates(space: SearchSpace, archs: Sequence[Architecture]) -> list[str]:
    """A note on architectures that compute the same function as another one of the files."""
    by_form: dict[Architecture, list[Architecture]] = {}
    for arch, form in zip(archs, space.canonical_forms(archs), strict=True):
        by_form.setdefault(form, []).append(arch)
    several = [same for same in by_form.values() if len(same) > 1]
    if not several:
        return []
    n_alike = sum(map(len, several))
    example = " and ".join(space.label(arch) for arch in several[0][:2])
    classes = "1 class" if len(several) == 1 else f"{len(several):,} classes"
    return [
        f"{n_alike:,} of the {len(archs):,} architectures of scores= are isomorphic to another one of them, in "
        f"{classes}: {example}, for example; tau counts each, its interval is over classes, and over networks a row "
        "weighs 1 / the number of its network's names in the population (population=FILE.csv with these architectures: "
        "1 / their number in the file)"
    ]


def _short(path: Path) -> str:
    return shown(path.name)


def mean_notes(seeds: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """For each column with several seeds its tau averaged over them, from the rows of seeds.csv."""
    own = seeds[seeds[columns.PROXY].isin(names) & (seeds[columns.VERSION] == columns.EXTERNAL)]
    return [
        f"{shown(str(row[columns.PROXY]))} on {row[columns.BENCH]} / {row[columns.DATASET]}: mean tau over "
        f"{row[columns.N_SEEDS]} seeds {correlation_text(row[columns.TAU_MEAN])}, from "
        f"{correlation_text(row[columns.TAU_SEED_LOW])} to {correlation_text(row[columns.TAU_SEED_HIGH])}"
        for row in own.to_dict("records")
    ]
