"""The analyst's regret less that of plain search, with Welch intervals, and what the analyst left of each space.

python results/restricting/differences.py FOLDER prints both tables for the folders of searches inside FOLDER. The
second one needs candidates.parquet, which a search writes and which is not kept here.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from harness.evaluation.evaluation_set import open_evaluation_set
from harness.inputs import DATA_SETS
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.space.restricted import Part

ANALYST = "forbid_worst"


def differences(folder: Path) -> None:
    """A row per benchmark, proxy and plain searcher: regret of both, and their difference with its interval."""
    print("| bench | proxy | analyst, then | plain | analyst less plain | 95 % CI |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for bench in ("nats_tss", "nats_sss"):
        plain = pd.read_csv(folder / bench / "search.csv")
        for then, path in (("random", bench), ("evolution", f"{bench}_then_evolution")):
            analyst = pd.read_csv(folder / path / "search.csv").query("search == @ANALYST")
            for proxy in dict.fromkeys(analyst["objective"]):
                ours = analyst.query("objective == @proxy")["regret"]
                theirs = plain.query("objective == @proxy and search == @then")["regret"]
                test = stats.ttest_ind(ours, theirs, equal_var=False)
                low, high = test.confidence_interval(0.95)
                print(
                    f"| {bench} | {proxy} | {then} {ours.mean():.2f} | {theirs.mean():.2f} "
                    f"| {ours.mean() - theirs.mean():+.2f} | [{low:+.2f}, {high:+.2f}] |"
                )


def left(folder: Path, look: int = 50) -> None:
    """What each seed's analyst left: the values that still occur after looking, and the best accuracy among those."""
    rows = []
    for bench in ("nats_tss", "nats_sss"):
        space, settings = BENCHMARKS.get(bench), Settings(sample="all")
        truth = open_evaluation_set(space, DATA_SETS.get("cifar10"), settings, None).values
        table = pd.read_parquet(folder / bench / "candidates.parquet").query("search == @ANALYST")
        for (proxy, seed), steps in table.groupby(["objective", "seed"], sort=False):
            n_scored = steps["status"].isin(["scored", "repeated"]).cumsum()
            after = list(steps.loc[n_scored > look, "arch"])
            held = [values.any(axis=0) for values in space.values_held(after)]
            allowed = {
                position.name: frozenset(np.array(position.values)[there])
                for position, there in zip(space.positions, held, strict=True)
            }
            index = Part(space, allowed).index
            gone = max(truth) - np.nanmax(truth[index])
            rows.append({"bench": bench, "proxy": proxy, "seed": seed, "n_left": index.size, "lost": gone})
    found = pd.DataFrame(rows)
    print("| bench | proxy | architectures left | seeds whose best is gone | best of all less best left |")
    print("| --- | --- | ---: | ---: | ---: |")
    for (bench, proxy), group in found.groupby(["bench", "proxy"], sort=False):
        print(
            f"| {bench} | {proxy} | {group['n_left'].median():,.0f} | {(group['lost'] > 0).sum()} of {len(group)} "
            f"| {group['lost'].mean():.2f} |"
        )


if __name__ == "__main__":
    place = Path(sys.argv[1])
    differences(place)
    if (place / "nats_tss" / "candidates.parquet").is_file():
        left(place)
