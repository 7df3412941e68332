"""Combined scores: the components that the store holds of networks -> one score of each architecture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.scoring.proxy_spec import ProxySpec
from harness.scoring.run import ScoringRun
from harness.space import Architecture
from harness.store import OK, ScoreStore, StoredRows


@dataclass(frozen=True, eq=False)
class CombinedScores:
    """A proxy's scores of architectures, each given the score of what it was scored as.

    Attributes:
        values: [n_archs], indexed by architecture; NaN where there is no score.
        stored: what the store holds, each network once.
        places: [n_archs], the row of `stored` that each architecture has.
    """

    values: "pd.Series[float]"
    stored: StoredRows
    places: Sequence[int]


def combined(run: ScoringRun, spec: ProxySpec, archs: Sequence[Architecture], store: ScoreStore) -> CombinedScores:
    """The scores of architectures by one proxy of a run, all of which the store must have."""
    scored_as = run.scored_as(spec, archs)
    stored = store.rows(run.key(spec), scored_as)
    place = {arch: position for position, arch in enumerate(stored.archs)}
    places = [place[arch] for arch in scored_as]
    components = pd.DataFrame([stored.components[at] for at in places], index=list(archs))
    components.loc[[stored.statuses[at] != OK for at in places]] = np.nan
    values = spec.combined(components)
    return CombinedScores(values, stored, places)
