"""Samples of a search space: which architectures sample=N and the population stand for."""

import numpy as np
from numpy.typing import NDArray

from harness.errors import OptionError
from harness.evaluation.population import Population
from harness.randomness import derive_seed
from harness.settings import ALL, DEFAULT_SAMPLE, Settings
from harness.space import SearchSpace


def sample_index(
    space: SearchSpace,
    settings: Settings,
    population: Population | None = None,
    known: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Official indices [n] of the sample, ascending for `all`; sample=N is the first N of one permutation.

    A population's sample is the first N of the permutation of the space that belong to it.

    Args:
        space: the benchmark.
        settings: with `sample`.
        population: what the sample is from; None: the space.
        known: the architectures with a truth, where a user's file knows a part of the space: a sample is drawn from
            them, unless by default the whole population is taken.
    """
    members = np.arange(len(space.architectures)) if population is None else population.index
    if settings.sample == ALL:
        return members
    n_wanted = DEFAULT_SAMPLE if settings.sample is None else int(settings.sample)
    if known is not None and (settings.sample is not None or members.size > DEFAULT_SAMPLE):
        members = members[np.isin(members, known)]
        if settings.sample is not None and n_wanted > members.size:
            raise OptionError(f"sample={n_wanted} is too many: truth= knows {members.size:,} of these architectures.")
    if n_wanted > members.size:
        if settings.sample is None:
            return members
        part = "" if population is None or population.name == ALL else f"the population {population.name} of "
        raise OptionError(
            f"sample={n_wanted} is larger than {part}{space.name}, which has {members.size:,} architectures."
        )
    return _first(n_wanted, members, space, settings)


def drawn_from(index: NDArray[np.int64], space: SearchSpace, settings: Settings) -> NDArray[np.int64]:
    """sample=N of the architectures of scores=: those that come first in the permutation of the space.

    Raises:
        OptionError: if there are fewer.
    """
    n_wanted = int(settings.sample or 0)
    if n_wanted > index.size:
        raise OptionError(
            f"sample={n_wanted} is larger than scores=, which has {index.size:,} architectures; leave sample= out for "
            "all of them."
        )
    return _first(n_wanted, index, space, settings)


def _first(n: int, members: NDArray[np.int64], space: SearchSpace, settings: Settings) -> NDArray[np.int64]:
    """The `n` of some architectures that come first in the permutation of the space."""
    n_space = len(space.architectures)
    order = np.random.default_rng(derive_seed("sample", settings.sample_seed, space.name)).permutation(n_space)
    return order[np.isin(order, members)][:n] if members.size < n_space else order[:n]
