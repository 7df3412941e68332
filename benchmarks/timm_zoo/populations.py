"""Populations of timm's table: each model once, the models of a recipe, each network once, and those by data."""

from collections.abc import Mapping
from functools import cache

from benchmarks.timm_zoo.by_data import rows_by_data, words_by_data
from benchmarks.timm_zoo.counts import network_numbers
from benchmarks.timm_zoo.rows import LARGEST, Row, one_per_model, published_rows, tags

MODELS = "models"
ANY_SIZE = "any_size"
COUNTED = "counted"
_SEPARATOR = "_"


@cache
def populations() -> Mapping[str, str]:
    """The populations beside `all` and `canonical`, in words."""
    rows = published_rows()
    small = len(one_per_model(rows))
    n_models = len({row.model for row in rows})
    found = {
        MODELS: (
            f"{small:,} models, each once, at its largest test size of at most {LARGEST} pixels; "
            f"{n_models - small:,} models tested above {LARGEST} pixels alone are left out"
        ),
        ANY_SIZE: f"{n_models:,} models, each once, at its largest test size",
        COUNTED: f"the {len(rows_of(COUNTED)):,} of `{MODELS}` whose counts are stored: counting these needs no timm",
        **words_by_data(),
    }
    for tag in tags():
        found[tag] = f"the models of the recipe {tag}, each once, at its largest test size of at most {LARGEST} pixels"
        found[f"{tag}{_SEPARATOR}{ANY_SIZE}"] = f"the models of the recipe {tag}, each once, at its largest test size"
    return found


@cache
def rows_of(population: str) -> frozenset[Row]:
    """The rows of one of `populations`."""
    rows = published_rows()
    if population in rows_by_data():
        return rows_by_data()[population]
    if population == COUNTED:
        return rows_of(MODELS) & {row for row, number in zip(rows, network_numbers(), strict=True) if number >= 0}
    if population in (MODELS, ANY_SIZE):
        return frozenset(one_per_model(rows, largest=None if population == ANY_SIZE else LARGEST))
    tag: str = population
    largest: int | None = LARGEST
    if population not in tags():
        tag, largest = population.removesuffix(f"{_SEPARATOR}{ANY_SIZE}"), None
    return frozenset(one_per_model([row for row in rows if row.tag == tag], largest=largest))
