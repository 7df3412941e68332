"""`study=pairs`: which two proxies complement each other, and does the best pair beat the best proxy?"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from harness.errors import OptionError
from harness.evaluation import Evaluation
from harness.evaluation.evaluation_set import EvaluationSet
from harness.files.results import write_files
from harness.lens.bias import clustered, names_of, similarity
from harness.lens.complements import N_SPLITS, HeldOut, Scored, held_out, pairs_table
from harness.report.escape import csv_text
from harness.report.heat_map import matrix
from harness.report.style import png, style
from harness.report.tables import correlation_text
from harness.report.verdict import signed_text

_MOST_SHOWN = 10
_FEWEST = 20  # networks: two halves of ten
_LEAST_SCORED = 0.9

_LEGEND = (
    "Two proxies are joined by the sum of their ranks. gain: tau of the sum less that of the better of the two.",
    "partial tau: of a proxy with the truth given the other one. These numbers are of all architectures, so that the",
    "best of many pairs looks better than it is. Held out: pair and proxy are chosen on a random half of the networks",
    f"and judged on the other, {N_SPLITS} times; [low, high] 95 % interval of the mean difference, with Nadeau and",
    "Bengio's correction for splits that overlap. Counts take part as proxies do, where they have scores.",
)


def pairs_study(evaluation: Evaluation, seed: int) -> Path:
    """Write pairs.csv, held_out.csv, a picture of each data set and lens.md; returns the folder.

    Raises:
        OptionError: for fewer than two proxies, or than 20 networks, with scores.
    """
    out = evaluation.out
    lines = ["# Which two proxies complement each other?", "", *_LEGEND, ""]
    tables, choices = [], []
    for evaluated in evaluation.evaluation_sets:
        place = " / ".join(evaluated.name)
        try:
            scored, left_out = _scored(evaluated, evaluation.scores[evaluated.name])
        except OptionError as error:
            if len(evaluation.evaluation_sets) == 1:
                raise
            lines += [f"## {place}", "", f"- left out: {error}", ""]
            continue
        table = pairs_table(scored)
        about = dict(zip(("bench", "dataset"), evaluated.name, strict=True))
        tables.append(table.assign(**about)[[*about, *table.columns]])
        n_networks = int(scored.networks.max()) + 1
        lines += [f"## {place}", "", f"- {scored.truth.size:,} architectures, {n_networks:,} networks."]
        lines += [f"- left out: {one}" for one in left_out]
        for vote, of_networks in (("architecture", False), ("network", True)):
            found = held_out(scored, seed, of_networks=of_networks)
            lines.append(f"- One vote for each {vote}: {_told(found)}")
            choices.append({**about, "one_vote_for": vote, "n": scored.truth.size, **_row(found)})
        picture = f"pairs-{'-'.join(evaluated.name)}.png"
        _draw(out, picture, (scored, table), place)
        lines += ["", *_listed(table), "", f"![Tau of rank sums]({picture})", ""]
    write_files(out, {"lens.md": ("\n".join(lines).rstrip() + "\n").encode()})
    if not tables:
        raise OptionError(f"No data set has what study=pairs needs; {out / 'lens.md'} says what each lacks.")
    write_files(out, {"pairs.csv": csv_text(pd.concat(tables, ignore_index=True)).encode()})
    write_files(out, {"held_out.csv": csv_text(pd.DataFrame(choices)).encode()})
    return out


def _scored(evaluated: EvaluationSet, scores: pd.DataFrame) -> tuple[Scored, list[str]]:
    """Architectures with a score by every proxy, without the proxies that lack a tenth of them."""
    accuracies = np.asarray(evaluated.accuracies, dtype=np.float64)
    known = np.isfinite(accuracies)
    names, left_out = [], []
    for name in names_of(scores):
        n_scored = int(scores[name].notna().to_numpy()[known].sum())
        if n_scored < _LEAST_SCORED * known.sum():
            left_out.append(f"{name}, which has a score for {n_scored:,} of {int(known.sum()):,} architectures.")
        else:
            names.append(name)
    rows = np.flatnonzero(known & scores[names].notna().all(axis=1).to_numpy())
    names = _ordering(scores[names].iloc[rows], left_out)
    values = scores[names].to_numpy(dtype=np.float64)
    place = " / ".join(evaluated.name)
    if len(names) < 2:
        raise OptionError(" ".join([f"study=pairs needs two proxies or more; {place} has {len(names)}.", *left_out]))
    networks = np.unique(np.array(evaluated.classes)[rows], return_inverse=True)[1].astype(np.intp)
    n_networks = int(networks.max(initial=-1)) + 1
    if n_networks < _FEWEST:
        raise OptionError(
            f"study=pairs needs {_FEWEST} networks or more with truth and scores by {', '.join(names)}; {place} "
            f"has {n_networks:,}. Give a larger sample=."
        )
    return Scored(tuple(names), values[rows], accuracies[rows], networks), left_out


def _ordering(scores: pd.DataFrame, left_out: list[str]) -> list[str]:
    """Names of columns that order the rows, each as no other before it does; tells what is left out."""
    kept: dict[bytes, str] = {}
    for name in scores.columns:
        ranks = rankdata(scores[name], method="dense")
        order = np.asarray(ranks, dtype=np.int64).tobytes()
        if ranks.max(initial=0) < 2:
            left_out.append(f"{name}, whose scores are equal on all architectures that every proxy scores.")
        elif order in kept:
            left_out.append(f"{name}, which orders the architectures as {kept[order]} does.")
        else:
            kept[order] = str(name)
    return list(kept.values())


def _told(found: HeldOut) -> str:
    if not found.pairs:
        return "held out, no split has a tau on both halves: truth or scores are almost all equal."
    (first, second), n_pair = found.pairs[0]
    single, n_single = found.singles[0]
    if found.low > 0:
        answer = "a pair ranks better than one proxy"
    elif found.high < 0:
        answer = "one proxy ranks better than a pair"
    else:
        answer = "it is undecided which of the two ranks better"
    return (
        f"held out, the best pair has tau {correlation_text(found.pair)} and the best proxy "
        f"{correlation_text(found.single)}; difference {signed_text(found.delta)} "
        f"[{signed_text(found.low)}, {signed_text(found.high)}]: {answer}. "
        f"Chosen most often: {first} with {second} ({n_pair} of {found.n_splits}), {single} ({n_single})."
    )


def _row(found: HeldOut) -> dict[str, object]:
    ((first, second), n_pair), (single, n_single) = (
        (found.pairs[0], found.singles[0]) if found.pairs else ((("", ""), 0), ("", 0))
    )
    return {
        "splits": found.n_splits, "tau_pair": found.pair, "tau_single": found.single, "delta": found.delta,
        "delta_low": found.low, "delta_high": found.high, "first": first, "second": second, "pair_chosen": n_pair,
        "single": single, "single_chosen": n_single,
    }  # fmt: skip


def _listed(table: pd.DataFrame) -> Sequence[str]:
    """The pairs with the highest tau of the rank sum."""
    lines = [
        "| pair | tau of each | with each other | rank sum | gain | partial tau of each | rank sum, networks | gain |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in table.head(_MOST_SHOWN).to_dict("records"):
        both = f"{correlation_text(row['tau_first'])}, {correlation_text(row['tau_second'])}"
        partial = f"{correlation_text(row['partial_first'])}, {correlation_text(row['partial_second'])}"
        lines.append(
            f"| {row['first']} with {row['second']} | {both} | {correlation_text(row['tau_between'])} "
            f"| {correlation_text(row['tau_sum'])} | {signed_text(row['gain'])} | {partial} "
            f"| {correlation_text(row['tau_sum_networks'])} | {signed_text(row['gain_networks'])} |"
        )
    return lines


def _draw(out: Path, name: str, found: tuple[Scored, pd.DataFrame], place: str) -> None:
    """Tau of the rank sum of each pair, and of each proxy alone on the diagonal."""
    scored, table = found
    names = list(scored.names)
    values = np.full((len(names), len(names)), np.nan)
    places = {one: at for at, one in enumerate(names)}
    for row in table.to_dict("records"):
        one, two = places[row["first"]], places[row["second"]]
        values[one, two] = values[two, one] = row["tau_sum"]
        values[one, one], values[two, two] = row["tau_first"], row["tau_second"]
    order = clustered(similarity(pd.DataFrame(scored.scores, columns=names), names))[0]
    ordered = [names[at] for at in order]
    title = f"tau of rank sums, {place}"
    with style():
        write_files(out, {name: png(matrix(values[np.ix_(order, order)], ordered, ordered, title=title))})
