"""ImageNet accuracies of timm's models: its tables of validation, ImageNet-Real and ImageNet-V2 results.

ImageNet-Real is the validation set with the labels of Beyer et al., arXiv:2006.07159; ImageNet-V2 are new images, by
matched frequency, of Recht et al., arXiv:1902.10811. Models were tested at the crop and interpolation of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.timm_zoo.rows import Row, published_rows
from benchmarks.timm_zoo.space import TimmZoo
from benchmarks.truth.csv_columns import read_csv
from harness.errors import CorruptDataError
from harness.files.atomic import sha256_of
from harness.files.downloads import github_file, github_source
from harness.truth.sources import TRUTH_SOURCES, TruthSource
from harness.truth.table import TruthColumn, TruthTable

_WIGHTMAN = "huggingface/pytorch-image-models/aa4b5850c1543fa488abf260f18390eda46cf85d"
_METRICS = {"top1": "accuracy", "top5": "top-5 accuracy"}
_CHOSEN_BY = "one training; many models were chosen by accuracies on the validation images"


@dataclass(frozen=True)
class _Set:
    """Images that all models were tested on: what the names of its columns begin and end with, and what they are."""

    split: str
    ending: str
    words: str

    def column(self, metric: str) -> str:
        """The name of a column: `val_top1`, `test_top1_v2`."""
        return f"{'val' if self.split == 'validation' else 'test'}_{metric}{self.ending}"


_SETS = (
    _Set("validation", "", "ImageNet's 50,000 validation images"),
    _Set("validation", "_real", "the validation images with the labels of ImageNet-Real, 46,837 of them"),
    _Set("test", "_v2", "ImageNet-V2, matched frequency, 10,000 images"),
)


def convert_timm(paths: Sequence[Path]) -> TruthTable:
    """Top-1 and top-5 accuracies on three sets of images, by model and size.

    Raises:
        CorruptDataError: if a file is damaged, or does not have the rows of the space.
    """
    rows = published_rows()
    columns: list[TruthColumn] = []
    values: list[NDArray[np.float64]] = []
    for path, images in zip(paths, _SETS, strict=True):
        found = read_csv(path, {"model": str, "img_size": int, "top1": float, "top5": float})
        names = [Row(model, int(size)).name for model, size in zip(found["model"], found["img_size"], strict=True)]
        place = {name: at for at, name in enumerate(names)}
        in_order = names == [row.name for row in rows]
        if len(place) != len(names) or set(place) != {row.name for row in rows} or not (in_order or images.ending):
            raise CorruptDataError(
                f"{path} does not list the {len(rows):,} results of {TimmZoo.name}: it has {len(names):,} rows, "
                f"{len(set(place) & {row.name for row in rows}):,} of them known."
            )
        order = [place[row.name] for row in rows]
        for metric, column in _columns(images, path):
            measured = np.asarray(found[metric], dtype=np.float64)[order]
            outside = np.flatnonzero(~((measured >= 0) & (measured <= 100)))
            if outside.size:
                raise CorruptDataError(f"{path} gives {rows[outside[0]].name} no {column.metric} between 0 and 100.")
            columns.append(column)
            values.append(measured)
    return TruthTable([row.name for row in rows], tuple(columns), tuple(values))


def _columns(images: _Set, path: Path) -> Iterator[tuple[str, TruthColumn]]:
    for name, metric in _METRICS.items():
        yield (
            name,
            TruthColumn(
                name=images.column(name),
                dataset="imagenet",
                metric=metric,
                unit="%",
                split=images.split,
                epochs=None,
                seeds=_CHOSEN_BY,
                higher_is_better=True,
                source=github_source(_WIGHTMAN, path),
                sha256=sha256_of(path),
                note=f"{images.words}; the recipe, its data and the test size differ between rows",
            ),
        )


SOURCE = TruthSource(
    name="pytorch_image_models",
    benchmark="timm",
    files=(
        github_file(
            _WIGHTMAN,
            "results/results-imagenet.csv",
            "30972bf7c7ab451bbd4480ec6116b13d0a84441c57bbc946896fd312264acfcd",
            123_104,
        ),
        github_file(
            _WIGHTMAN,
            "results/results-imagenet-real.csv",
            "e94696aed665475e4d0235195733775c5e1b3f36d6f5f7de99f4386e7ed11630",
            150_724,
        ),
        github_file(
            _WIGHTMAN,
            "results/results-imagenetv2-matched-frequency.csv",
            "1d066d8897c40224b14f3cf1d02029c49ebdc56b761ba9a3841bd3bdd3bd0a8e",
            152_771,
        ),
    ),
    licence="Apache-2.0",
    convert=convert_timm,
)

TRUTH_SOURCES.register(SOURCE.key)(SOURCE)
