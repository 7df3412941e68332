"""The rows of timm's table of ImageNet results: trained models and the sizes that they were tested at.

https://github.com/huggingface/pytorch-image-models, commit aa4b585, results/results-imagenet.csv, Apache-2.0.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LARGEST = 224
"""Models are scored at this many pixels at most, unless a population says otherwise."""

_FILE = Path(__file__).parent / "rows.txt"
_AT = "@"


@dataclass(frozen=True)
class Row:
    """A trained model at a test size in pixels; `model` is the name of a network, a dot and the tag of its recipe."""

    model: str
    size: int

    @property
    def name(self) -> str:
        """The architecture's string: `resnet50.a1_in1k@224`."""
        return f"{self.model}{_AT}{self.size}"

    @property
    def network(self) -> str:
        """Timm's name of the network, without the recipe."""
        return self.model.partition(".")[0]

    @property
    def tag(self) -> str:
        """The recipe with its data, as timm tags the weights: `a1_in1k`."""
        return self.model.partition(".")[2]


@cache
def published_rows() -> tuple[Row, ...]:
    """All rows, in the order of the file: by accuracy."""
    lines = (line for line in _FILE.read_text(encoding="ascii").splitlines() if not line.startswith("#"))
    return tuple(Row(model, int(size)) for model, size in map(str.split, lines))


@cache
def tags() -> tuple[str, ...]:
    """The recipes, those with the most models first, equal ones in the order of the file."""
    models: dict[str, set[str]] = defaultdict(set)
    for row in published_rows():
        models[row.tag].add(row.model)
    return tuple(sorted(models, key=lambda tag: -len(models[tag])))


def one_per_model(rows: Sequence[Row], *, largest: int | None = LARGEST) -> set[Row]:
    """Of each model the row at the largest size, or at the largest one that is not above `largest`."""
    found: dict[str, Row] = {}
    for row in rows:
        if largest is None or row.size <= largest:
            before = found.get(row.model)
            found[row.model] = row if before is None or row.size > before.size else before
    return set(found.values())


def read_row(text: str) -> Row | None:
    """The row that a text names, as `MODEL@SIZE`; None if it names none."""
    return _by_name().get(text)


def row_of_model(model: str) -> Row | None:
    """The row that stands for a model: at the largest size of at most 224 pixels, else at its smallest one."""
    rows = _by_model().get(model, ())
    small = [row for row in rows if row.size <= LARGEST]
    return max(small, key=_size) if small else min(rows, key=_size, default=None)


def sizes_of_model(model: str) -> list[int]:
    """The sizes that a model was tested at, the most accurate first; empty for an unknown one."""
    return [row.size for row in _by_model().get(model, ())]


@cache
def _by_name() -> dict[str, Row]:
    return {row.name: row for row in published_rows()}


@cache
def _by_model() -> dict[str, tuple[Row, ...]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in published_rows():
        found[row.model].append(row)
    return {model: tuple(rows) for model, rows in found.items()}


def _size(row: Row) -> int:
    return row.size


def listed(names: Iterable[str], most: int = 5) -> str:
    """Names in a sentence: the first ones, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
