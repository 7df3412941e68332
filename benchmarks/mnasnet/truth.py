"""ImageNet accuracies and device measurements of Accel-NASBench: its 5,138 files. arXiv:2404.08005.

Thirteen architectures were trained and measured twice. The default column is the mean of an architecture's trainings;
single trainings are beside it, as seeds are in other benchmarks. Device columns are means, too.
"""

import json
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.mnasnet.space import Mnasnet
from benchmarks.mnasnet.structure import N_STAGES, write
from harness.errors import CorruptDataError
from harness.files.atomic import sha256_of
from harness.files.downloads import github_file, github_source
from harness.truth.sources import TRUTH_SOURCES, TruthSource
from harness.truth.table import TruthColumn, TruthTable

_AFZALXO = "afzalxo/Accel-NASBench/42603572d530310e6bac7191d00cf45625a6b197"
N_FILES = 5_138
_MEMBER = re.compile(r"(?:\./)?anb_dataset_jsons/result_(\d{1,4})\.json")
_LARGEST_FILE = 10_000  # bytes; the published ones have some 1,350
_MOST_TRAININGS = 2
_DEFAULT = "val_top1"


@dataclass(frozen=True)
class _Measure:
    """A number of each file: its column, where it stands in the file, and what it is."""

    name: str
    path: tuple[str, ...]
    metric: str
    unit: str
    note: str
    higher_is_better: bool

    @property
    def is_accuracy(self) -> bool:
        return self.unit == "%"


def _of_device(name: str, device: str) -> _Measure:
    kind = name.partition("_")[0]
    is_throughput = kind == "throughput"
    path = ("platform_perf", name, f"{kind}_mean")
    return _Measure(name, path, kind, "images/s" if is_throughput else "ms", device, is_throughput)


_RECIPE = "trained at 160 to 192 pixels, tested at 256; by the authors' code the best test of the last three epochs"
_MEASURES = (
    _Measure(_DEFAULT, ("metrics", "val_top1"), "accuracy", "%", _RECIPE, True),
    _Measure("val_top5", ("metrics", "val_top5"), "top-5 accuracy", "%", _RECIPE, True),
    _Measure("train_seconds", ("metrics", "train_time"), "training time", "s", "as published", False),
    _of_device("latency_zcu102", "Xilinx ZCU102 FPGA"),
    _of_device("latency_vck190", "Xilinx VCK190 FPGA"),
    _of_device("throughput_a100", "NVIDIA A100"),
    _of_device("throughput_3090", "NVIDIA RTX 3090"),
    _of_device("throughput_tpuv2", "Google TPU v2"),
    _of_device("throughput_tpuv3", "Google TPU v3"),
    _of_device("throughput_zcu102", "Xilinx ZCU102 FPGA"),
    _of_device("throughput_vck190", "Xilinx VCK190 FPGA"),
)


def convert_accel(paths: Sequence[Path]) -> TruthTable:
    """Accuracies, training times, latencies and throughputs by architecture; NaN where a device has no number.

    Raises:
        CorruptDataError: if the archive is damaged, or its files are not those of the trained architectures.
    """
    (path,) = paths
    space = Mnasnet()
    archs: list[str] = []
    rows: list[list[float]] = []
    for number, content in enumerate(_contents(path)):
        try:
            archs.append(_arch(content["architecture"]))
            rows.append([_number(content, measure) for measure in _MEASURES])
        except (LookupError, TypeError, ValueError) as error:
            raise CorruptDataError(
                f"{path} has no architecture with its measurements in result_{number}.json "
                f"({type(error).__name__}). Fetch it again."
            ) from error
    if list(dict.fromkeys(archs)) != list(space.architectures):
        raise CorruptDataError(f"{path} does not list the {len(space.architectures):,} trained architectures in order.")
    table = np.array(rows)
    places = np.array([space.index(space.check(arch)) for arch in archs])
    values = dict(_values(table, places, len(space.architectures)))
    columns = tuple(_column(name, path) for name in values)
    return TruthTable(space.architectures, columns, tuple(values.values()))


def _contents(path: Path) -> list[Any]:
    """The parsed files, by number; only regular files of the expected names and sizes are read.

    Raises:
        CorruptDataError: if one is missing, appears twice, is too large or is not JSON, or the archive is damaged.
    """
    found: dict[int, Any] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = _MEMBER.fullmatch(member.name)
                if member.isdir():
                    continue
                opened = archive.extractfile(member) if name and 0 < member.size < _LARGEST_FILE else None
                if name is None or opened is None or int(name[1]) in found:
                    raise CorruptDataError(f"{path} contains {member.name[:80]!a}, which is none of its results.")
                found[int(name[1])] = json.loads(opened.read())
    except CorruptDataError:
        raise
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError, RecursionError) as error:
        raise CorruptDataError(f"{path} is not a valid archive of results ({type(error).__name__}).") from error
    if sorted(found) != list(range(N_FILES)):
        raise CorruptDataError(
            f"{path} contains {len(found):,} results, not result_0.json to result_{N_FILES - 1}.json."
        )
    return [found[number] for number in range(N_FILES)]


def _arch(stated: Mapping[str, Any]) -> str:
    """The official string of an `architecture` entry."""
    keys = [f"block{stage}_{choice}" for stage in range(N_STAGES) for choice in ("e", "k", "l", "se")]
    return write(tuple(int(stated[key]) for key in keys))


def _number(content: Any, measure: _Measure) -> float:
    """A measure of a file; NaN if it is null, as where a device ran out of memory.

    Raises:
        ValueError: if it is no positive number.
    """
    for key in measure.path:
        content = content[key]
    if content is None and not measure.is_accuracy:
        return float("nan")
    if type(content) not in (int, float) or not 0 < content < float("inf") or (measure.is_accuracy and content > 100):
        raise ValueError(f"{measure.name} is {content!a}")
    return float(content)


def _values(
    table: NDArray[np.float64], places: NDArray[np.int64], n_archs: int
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """The columns [n_archs] by name: of each measure the mean, and of the default one each training."""
    trainings = np.full((_MOST_TRAININGS, n_archs, len(_MEASURES)), np.nan)
    n_before = np.zeros(n_archs, dtype=np.int64)
    for place, row in zip(places, table, strict=True):
        trainings[n_before[place], place] = row
        n_before[place] += 1
    known = np.isfinite(trainings)
    sums = np.where(known, trainings, 0).sum(axis=0)
    means = np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), np.nan)
    for at, measure in enumerate(_MEASURES):
        yield measure.name, means[:, at]
        if measure.name == _DEFAULT:
            yield from ((f"{_DEFAULT}_seed{number}", single[:, at]) for number, single in enumerate(trainings))


def _column(name: str, path: Path) -> TruthColumn:
    base, _, training = name.partition("_seed")
    measure = next(measure for measure in _MEASURES if measure.name == base)
    seeds = {"": "one training; the mean of two for 13 architectures", "0": "first training", "1": "second training"}
    return TruthColumn(
        name=name,
        dataset="imagenet",
        metric=measure.metric,
        unit=measure.unit,
        split="validation" if measure.is_accuracy else "none",
        epochs=16 if measure.is_accuracy else None,
        seeds=seeds[training] if measure.is_accuracy else "none",
        higher_is_better=measure.higher_is_better,
        source=github_source(_AFZALXO, path),
        sha256=sha256_of(path),
        note=measure.note,
    )


ACCEL = TruthSource(
    name="accel_nasbench",
    benchmark="mnasnet",
    files=(
        github_file(
            _AFZALXO,
            "anb_dataset/anb_dataset_jsons.tar.gz",
            "3520992d42e368b7c08c99fc3f6612855b5b366bf98668a7f19d49f3131aa4ae",
            1_173_570,
        ),
    ),
    licence="Apache-2.0",
    convert=convert_accel,
)

TRUTH_SOURCES.register(ACCEL.key)(ACCEL)
