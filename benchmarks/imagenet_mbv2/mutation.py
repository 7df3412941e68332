"""Mutations of the authors' search: SearchSpace/search_space_IDW_fixfc.py and evolution_search.py of ZiCo.

https://github.com/SLDGroup/ZiCo, commit b0fec65. Widths above 1,024, which that code allows, are excluded.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random

from benchmarks.imagenet_mbv2.structure import EXPANSIONS, KERNELS, N_HALVINGS, WIDTHS, Stage, Structure

_SCALES = (2.5, 2, 1.5, 1.25, 1, 1 / 1.25, 1 / 1.5, 1 / 2, 1 / 2.5)
_MORE_LAYERS = (-2, -1, 0, 1, 2)
_SPLIT_FROM = 6  # layers; a stage of this many or more is split in two
_N_REPLACED = 2

_KINDS = tuple((expansion, kernel) for kernel in KERNELS for expansion in EXPANSIONS)
# The authors' list of candidates grows by one kind at a time and is taken each time, so that it holds the candidates of
# the first kinds twelve times over, those of the last kind twice.
_KIND_WEIGHTS = (12, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)


def mutate(structure: Structure, rng: Random) -> Structure:
    """A mutation: up to two blocks are replaced at once, as by the authors, and long stages are split."""
    while True:
        changed = structure
        # One of the blocks is the last convolution, which is never changed.
        for place in {rng.randrange(len(structure.stages) + 2) for _ in range(_N_REPLACED)}:
            changed = _replace(changed, place, rng)
        changed = split(changed)
        if changed != structure:
            return changed


def neighbours(structure: Structure) -> Iterator[Structure]:
    """The structures with one block replaced, including `structure` itself."""
    for width in scaled(structure.stem_width):
        yield replace(structure, stem_width=width)
    for place, stage in enumerate(structure.stages):
        for (expansion, kernel), width, bottleneck, n_layers in product(
            _KINDS, scaled(stage.width), scaled(stage.bottleneck), _layer_counts(stage)
        ):
            changed = Stage(expansion, kernel, width, stage.stride, bottleneck, n_layers)
            stages = (*structure.stages[:place], changed, *structure.stages[place + 1 :])
            yield split(replace(structure, stages=stages))


def draw(rng: Random) -> Structure:
    """Four to six stages: kinds and numbers of layers uniform, widths log-uniform.

    With uniform widths, almost no structure would be within a budget of the paper.
    """
    strides = [2] * (N_HALVINGS - 1)
    for _ in range(rng.randrange(3)):
        strides.insert(rng.randrange(len(strides) + 1), 1)
    stages = []
    for stride in (2, *strides):
        expansion, kernel = rng.choice(_KINDS)
        stages.append(Stage(expansion, kernel, _draw_width(rng), stride, _draw_width(rng), rng.randrange(1, 6)))
    return Structure(_draw_width(rng), tuple(stages))


def split(structure: Structure) -> Structure:
    """The structure with every stage of six layers or more split into one of three and one of the rest."""
    stages = []
    for stage in structure.stages:
        while stage.n_layers >= _SPLIT_FROM:
            stages.append(replace(stage, n_layers=_SPLIT_FROM // 2))
            stage = replace(stage, n_layers=stage.n_layers - _SPLIT_FROM // 2, stride=1)
        stages.append(stage)
    return replace(structure, stages=tuple(stages))


def scaled(width: int) -> tuple[int, ...]:
    """The widths that can replace one, including itself: within a factor of 2.5."""
    nearest = (max(WIDTHS[0], round(max(8, width * scale) / 8) * 8) for scale in _SCALES)
    return tuple(sorted(found for found in set(nearest) if found in WIDTHS))


def _layer_counts(stage: Stage) -> tuple[int, ...]:
    return tuple(stage.n_layers + more for more in _MORE_LAYERS if stage.n_layers + more > 0)


def _replace(structure: Structure, place: int, rng: Random) -> Structure:
    """The structure with the stem (position 0) or a stage redrawn among its replacements."""
    if place == 0:
        return replace(structure, stem_width=rng.choice(scaled(structure.stem_width)))
    if place > len(structure.stages):
        return structure
    stage = structure.stages[place - 1]
    ((expansion, kernel),) = rng.choices(_KINDS, _KIND_WEIGHTS)
    changed = Stage(
        expansion,
        kernel,
        rng.choice(scaled(stage.width)),
        stage.stride,
        rng.choice(scaled(stage.bottleneck)),
        rng.choice(_layer_counts(stage)),
    )
    return replace(structure, stages=(*structure.stages[: place - 1], changed, *structure.stages[place:]))


def _draw_width(rng: Random) -> int:
    """8 times a number whose logarithm is uniform."""
    return WIDTHS[0] * int((len(WIDTHS) + 1) ** rng.random())
