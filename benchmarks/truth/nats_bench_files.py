"""Official NATS-Bench folders (`*-simple`) as truth tables.

Files are unpickled from an allow-list, one at a time, and read field by field; nothing of them reaches the nats_bench
package, whose classes may open files. Means are over all seeds of the schedule that is asked for, not, as the package's
defaults have it, a random seed's value after 12 epochs.
"""

import bz2
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.truth.nats_bench_record import Record, read_record
from harness.errors import CorruptDataError, MissingDataError
from harness.files import safe_pickle
from harness.progress import Progress
from harness.space import Architecture
from harness.truth.table import TruthColumn, TruthTable

DATA_SETS = ("cifar10", "cifar100", "ImageNet16-120")
HALF_TRAINED = "networks trained on 25,000 of the training images (cifar10-valid)"
HALF_TEST = "measured on half of the official test images, the other half being the validation set"
HALF_VALIDATION = "measured on half of the official test images, the other half being the test set"
WHOLE_TEST = "measured on all official test images, those of the validation set among them"

_FILE_NAME = re.compile(r"(\d{1,6})\.pickle\.pbz2")
_MAX_UNPACKED_BYTES = 2**24  # an official file unpacks to less than a megabyte

_Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Release:
    """What a folder holds: `archs` in official order, and the epochs of each training schedule by its record's key.

    The first schedule is in every file. `renamed` maps column names to others, where a name already means another
    release's numbers.
    """

    archs: Sequence[Architecture]
    schedules: Mapping[str, int]
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Measure:
    """An accuracy: its column, where the official record keeps it, and what sets it apart."""

    name: str
    dataset: str
    trained_on: str
    measured_on: str
    split: str
    note: str = ""


_MEASURES = (
    _Measure("test", "cifar10", "cifar10", "ori-test", "test"),
    _Measure("val", "cifar10", "cifar10-valid", "x-valid", "validation", HALF_TRAINED),
    _Measure("test_25k", "cifar10", "cifar10-valid", "ori-test", "test", HALF_TRAINED),
    *(
        measure
        for dataset in DATA_SETS[1:]
        for measure in (
            _Measure("test", dataset, dataset, "x-test", "test", HALF_TEST),
            _Measure("val", dataset, dataset, "x-valid", "validation", HALF_VALIDATION),
            _Measure("valtest", dataset, dataset, "ori-test", "test", WHOLE_TEST),
        )
    ),
)
_MEASURED_ON = frozenset(measure.measured_on for measure in _MEASURES)
_BY_SEED = ("test", "val")  # these also get a column for each seed


def read_folder(folder: Path, release: Release) -> TruthTable:
    """The accuracies of those architectures whose files are in the folder, NaN where a record lacks one.

    Raises:
        MissingDataError: if the folder holds no such files.
        CorruptDataError: if a file is damaged, or is not about the architecture of its number.
    """
    files = _files(folder, release)
    found: dict[tuple[int, _Measure], dict[int | None, _Numbers]] = {
        (epochs, measure): defaultdict(lambda: np.full(len(files), np.nan))
        for epochs in release.schedules.values()
        for measure in _MEASURES
    }
    digest = hashlib.sha256()
    with Progress(folder.name, len(files)) as progress:
        for row, (index, path) in enumerate(files.items()):
            content = path.read_bytes()
            digest.update(f"{hashlib.sha256(content).hexdigest()}  {path.name}\n".encode())
            try:
                for epochs, record in _schedules(path, content, index, release):
                    for measure in _MEASURES:
                        for seed, accuracy in _accuracies(record, measure, epochs).items():
                            found[epochs, measure][seed][row] = accuracy
            except CorruptDataError:
                raise
            except (ValueError, OSError, EOFError) as error:  # the last two: of a damaged bz2 file
                raise CorruptDataError(f"{path} is not the official file: {_reason(error)}. Fetch it again.") from error
            progress.advance()
    provenance = (f"{folder.resolve().name}, {len(files):,} of {len(release.archs):,} files", digest.hexdigest())
    columns = [
        described
        for (epochs, measure), by_seed in found.items()
        for described in _described(measure, epochs, by_seed, provenance)
    ]
    renamed = tuple(replace(column, name=_renamed(column.name, release)) for column, _ in columns)
    return TruthTable([release.archs[index] for index in files], renamed, tuple(values for _, values in columns))


def _files(folder: Path, release: Release) -> dict[int, Path]:
    """The folder's files by official index, in its order.

    Raises:
        MissingDataError: if there are none.
    """
    numbered = {
        int(match[1]): path
        for path in (sorted(folder.iterdir()) if folder.is_dir() else ())
        if (match := _FILE_NAME.fullmatch(path.name)) and int(match[1]) < len(release.archs)
    }
    if not numbered:
        raise MissingDataError(
            f"{folder} is not a folder of files 000000.pickle.pbz2, 000001.pickle.pbz2, ...; unpack the release."
        )
    return dict(sorted(numbered.items()))


def _schedules(path: Path, content: bytes, index: int, release: Release) -> Iterator[tuple[int, Record]]:
    """The epochs and record of each of the release's schedules in a file.

    Raises:
        ValueError: if the file is cut, too large, about another architecture, or lacks the first schedule.
        CorruptDataError: if it is no pickle of plain containers.
    """
    unpacker = bz2.BZ2Decompressor()
    unpacked = unpacker.decompress(content, max_length=_MAX_UNPACKED_BYTES)
    if not unpacker.eof:
        raise ValueError("it is cut short or too large")
    records = safe_pickle.load(unpacked, name=str(path))
    if not isinstance(records, dict):
        raise ValueError(f"it holds a value of type {type(records).__name__}, not dict")
    for number, (key, epochs) in enumerate(release.schedules.items()):
        if key not in records:
            if number:
                continue
            raise ValueError(f"it has no record '{key}'")
        record = read_record(records[key], _MEASURED_ON)
        if (record.arch_index, record.arch_str) != (index, release.archs[index]):
            raise ValueError(f"it holds architecture {record.arch_index}, {record.arch_str}")
        if {run.epochs for runs in record.runs.values() for run in runs.values()} != {epochs}:
            raise ValueError(f"its record '{key}' is not of {epochs} epochs")
        yield epochs, record


def _accuracies(record: Record, measure: _Measure, epochs: int) -> dict[int | None, float]:
    """In percent after the last epoch: by seed, and under None the mean over all seeds; empty if not recorded."""
    runs = record.runs.get(measure.trained_on, {})
    last = f"{measure.measured_on}@{epochs - 1}"
    if not runs or not all(last in run.accuracies for run in runs.values()):
        return {}
    by_seed = {seed: run.accuracies[last] for seed, run in runs.items()}
    found: dict[int | None, float] = {None: sum(by_seed.values()) / len(by_seed)}
    for seed, accuracy in by_seed.items():
        found[seed] = accuracy
    return found


def _described(
    measure: _Measure, epochs: int, by_seed: Mapping[int | None, _Numbers], provenance: tuple[str, str]
) -> Iterator[tuple[TruthColumn, _Numbers]]:
    """The column of means, and those of single seeds where there is more than one."""
    if None not in by_seed:
        return
    seeds = sorted(seed for seed in by_seed if seed is not None)
    column = TruthColumn(
        name=_column_name(measure, epochs),
        dataset=measure.dataset,
        metric="accuracy",
        unit="%",
        split=measure.split,
        epochs=epochs,
        seeds=_seeds_text(seeds, by_seed),
        higher_is_better=True,
        source=provenance[0],
        sha256=provenance[1],
        note=measure.note,
    )
    yield column, by_seed[None]
    if measure.name in _BY_SEED and len(seeds) > 1:
        for seed in seeds:
            yield replace(column, name=f"{column.name}_seed{seed}", seeds=f"seed {seed}"), by_seed[seed]


def _column_name(measure: _Measure, epochs: int) -> str:
    """`test200`, `val200`, `valtest200`, `test200_25k`."""
    kind, _, suffix = measure.name.partition("_")
    return f"{kind}{epochs}_{suffix}" if suffix else f"{kind}{epochs}"


def _renamed(name: str, release: Release) -> str:
    mean, seed_mark, seed = name.partition("_seed")
    return release.renamed.get(mean, mean) + seed_mark + seed


def _seeds_text(seeds: Sequence[int], by_seed: Mapping[int | None, _Numbers]) -> str:
    """Which seeds a mean is over, and where they are not the same for all, how many architectures have how many."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    n_seeds = Counter(np.isfinite([by_seed[seed] for seed in seeds]).sum(axis=0).tolist())
    found = f"mean over the available seeds of {', '.join(map(str, seeds))}"
    counts = ", ".join(f"{n} for {n_seeds[n]:,} architectures" for n in sorted(n_seeds, reverse=True) if n)
    return f"{found} ({counts})" if set(n_seeds) != {len(seeds)} else found


def _reason(error: Exception) -> str:
    return str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
