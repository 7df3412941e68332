"""Populations of timm's table by what a tag says of the training data, and whether the model was distilled.

A tag is words joined by `_`, such as `fb_in22k_ft_in1k`. Extra data are images beyond ImageNet-1k, with labels or
without: ImageNet-12k, -21k and -22k, JFT, Instagram, YFCC, LAION, WebLI, the images of OpenAI's CLIP, and the merged
sets of 30 and 38 million images of EVA. A model distilled from a teacher saw ImageNet-1k alone unless its tag names
extra data, too; what the teacher saw is not considered.

Only tags are read, and some say less than there is to know. By the publications of their authors, these count as plain
although they are not: `seer_ft_in1k` (SEER, arXiv:2103.01988: a billion images of Instagram), `clip_ft_in1k` (EVA-CLIP,
arXiv:2211.07636: LAION-400M), and `usi_in1k` (arXiv:2204.03475: distilled). They are 10 of the 1,144 plain rows, if not
more.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from benchmarks.timm_zoo.rows import Row, published_rows

UNSAID = ("seer_ft_in1k", "clip_ft_in1k", "usi_in1k")
"""Tags that name neither extra data nor a distillation, of models with one of them."""

PLAIN, PLAIN_ANY_SIZE, PLAIN_ROWS = "plain_in1k", "plain_in1k_any_size", "plain_in1k_rows"
EXTRA_DATA, DISTILLED = "extra_data", "distilled"

_MERGED_SETS_OF_EVA = ("m30m", "m38m")
_NAMES_OF_DATA = frozenset(
    ("in12k", "in21k", "in22k", "jft", "ig1b", "yfcc100m", "swag", "openai", "laion2b", "laiona", "webli")
).union(_MERGED_SETS_OF_EVA)
_NAMES_OF_DISTILLATION = frozenset(("dist", "distilled", "ssld"))  # SSLD is PaddlePaddle's
_SECOND_STAGE = frozenset(("ssld", "stage2"))  # of SSLD: it goes on from a first one on ImageNet-22k
_LARGEST_PLAIN = 256
_MIXED = "recipes are mixed, so a correlation over all of it is one of recipes, too"


def names_extra_data(tag: str) -> bool:
    """Whether a tag names images beyond ImageNet-1k: `fb_in22k_ft_in1k`, `ssld_stage2_ft_in1k`, not `a1_in1k`."""
    words = set(tag.split("_"))
    return not words.isdisjoint(_NAMES_OF_DATA) or words >= _SECOND_STAGE


def is_distilled(tag: str) -> bool:
    """Whether a tag names a distillation and no extra data: `fb_dist_in1k`, not `dist_in22k_ft_in1k`."""
    return not (_NAMES_OF_DISTILLATION.isdisjoint(tag.split("_")) or names_extra_data(tag))


def is_plain(tag: str) -> bool:
    """Whether a tag names neither extra data nor a distillation: `ra2_in1k`, `mae_in1k_ft_in1k`."""
    return not (is_distilled(tag) or names_extra_data(tag))


@cache
def rows_by_data() -> Mapping[str, frozenset[Row]]:
    """The rows of each population by data."""
    plain = _of_tags(is_plain)
    return {
        PLAIN: _best_of_each_network(row for row in plain if row.size <= _LARGEST_PLAIN),
        PLAIN_ANY_SIZE: _best_of_each_network(plain),
        PLAIN_ROWS: frozenset(plain),
        EXTRA_DATA: frozenset(_of_tags(names_extra_data)),
        DISTILLED: frozenset(_of_tags(is_distilled)),
    }


def words_by_data() -> Mapping[str, str]:
    """What each population by data is."""
    n = {name: f"{len(rows):,}" for name, rows in rows_by_data().items()}
    alone = "trained on ImageNet-1k alone and not distilled"
    unsaid = f"as tags say, and those of {', '.join(UNSAID)} do not say otherwise"
    best = f"{alone}, each once, by its most accurate row"
    return {
        PLAIN: f"{n[PLAIN]} networks {best} at {_LARGEST_PLAIN} pixels or fewer, {unsaid}; {_MIXED}",
        PLAIN_ANY_SIZE: f"{n[PLAIN_ANY_SIZE]} networks {best} at any size, {unsaid}; {_MIXED}",
        PLAIN_ROWS: f"all {n[PLAIN_ROWS]} rows {alone}, {unsaid}; networks by several recipes and sizes; {_MIXED}",
        EXTRA_DATA: f"all {n[EXTRA_DATA]} rows trained on more than ImageNet-1k, as tags say; {_MIXED}",
        DISTILLED: f"all {n[DISTILLED]} rows distilled on ImageNet-1k alone, as tags say; {_MIXED}",
    }


def _of_tags(belongs: Callable[[str], bool]) -> list[Row]:
    return [row for row in published_rows() if belongs(row.tag)]


def _best_of_each_network(rows: Iterable[Row]) -> frozenset[Row]:
    """The most accurate row of each network: the first one, as rows are in the order of accuracy."""
    best: dict[str, Row] = {}
    for row in rows:
        best.setdefault(row.network, row)
    return frozenset(best.values())
