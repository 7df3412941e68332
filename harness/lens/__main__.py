"""The command `python -m harness.lens [study=STUDY] ...`: settings are those of an evaluation.

Without a study: correlation with architecture statistics (bias.csv), rank correlation between proxies (similarity.csv)
and transfer to other data sets and tasks (transfer.csv). With study=batches, init, inputs or protocols: the same
proxies under varied settings (stability.csv); effects: what each operation or width does to scores and truth
(effects.csv); pairs: whether two proxies rank better together than one (pairs.csv, held_out.csv). Each table has a
figure; lens.md combines them. The evaluations are in the same folder.
"""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("lens"))

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from omegaconf import DictConfig

from harness.cli.config import EvaluationRequest, named_protocol, plain_values, read_request
from harness.cli.reading import read_into
from harness.errors import HarnessError, OptionError
from harness.evaluation import Evaluation, evaluate
from harness.files.results import write_files
from harness.lens.bias import SAME_GROUP, TRUTH, bias_table, clustered, names_of, similarity, transfer_table
from harness.lens.effects_study import effects_study
from harness.lens.pairs_study import pairs_study
from harness.lens.stability import PROTOCOLS, STUDIES, stability_table, variants
from harness.protocol import Protocol
from harness.proxy import baseline_names
from harness.registry import unknown_name
from harness.report.escape import csv_text
from harness.report.heat_map import matrix
from harness.report.style import png, style
from harness.report.tables import correlation_text, count_text, number, records
from harness.settings import ALL

EFFECTS, PAIRS = "effects", "pairs"


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("lens", words)


@dataclass(frozen=True)
class _Protocols:
    protocols: tuple[str, ...]


@dataclass(frozen=True)
class LensRequest:
    """The evaluation that is looked at; a study, or None; what study=protocols compares with the given protocol."""

    evaluation: EvaluationRequest
    study: str | None
    protocols: tuple[Protocol, ...] = ()


def read(config: DictConfig) -> LensRequest:
    """What is to be looked at.

    Raises:
        HarnessError: for values that are invalid.
    """
    study = config["study"]
    if study is not None and study not in (*STUDIES, EFFECTS, PAIRS):
        raise OptionError(unknown_name("study", str(study), [*STUDIES, EFFECTS, PAIRS]))
    request = read_request(config)
    if study == PAIRS and request.ensembles:
        raise OptionError(
            f"ensemble={','.join(map(str, request.ensembles))} is invalid for study=pairs, which joins two proxies "
            "itself: leave ensemble= away."
        )
    named = read_into(_Protocols, {"protocols": plain_values(config)["protocols"]}).protocols
    return LensRequest(request, study, tuple(map(named_protocol, named)) if study == PROTOCOLS else ())


def run(request: LensRequest) -> None:
    """Make the tables and pictures.

    Raises:
        HarnessError: for a user's mistake or missing data.
    """
    if request.study == EFFECTS:
        out = effects_study(request.evaluation)
    elif request.study == PAIRS:
        out = pairs_study(_evaluated(request.evaluation), request.evaluation.settings.sample_seed)
    else:
        out = _lens(request.evaluation) if request.study is None else _study(request, request.study)
    print((out / "lens.md").read_text(encoding="utf-8"), end="")
    print(out)


def _lens(request: EvaluationRequest) -> Path:
    proxies = request.proxies
    if proxies is not None and ALL not in proxies:
        proxies = (*proxies, *(name for name in baseline_names() if name not in proxies))
    evaluation = _evaluated(replace(request, proxies=proxies))
    out = evaluation.out
    bias, transfer = bias_table(evaluation), transfer_table(evaluation)
    _csv(out / "bias.csv", bias)
    if len(transfer):
        _csv(out / "transfer.csv", transfer)
    lines = ["# Bias lens", ""]
    alike = []
    for evaluated in evaluation.evaluation_sets:
        place = "-".join(evaluated.name)
        followed = bias[(bias["bench"] == evaluated.name[0]) & (bias["dataset"] == evaluated.name[1])]
        wide = followed.pivot_table(index="proxy", columns="count", values="tau", sort=False, dropna=False)
        title = f"tau with architecture statistics, {' / '.join(evaluated.name)}"
        _picture(out / f"bias-{place}.png", _wide(wide, title))
        lines += [f"## {' / '.join(evaluated.name)}", "", "The architecture statistic with the highest |tau|:", ""]
        lines += [*_strongest(followed), "", f"![Correlation with architecture statistics](bias-{place}.png)", ""]
        lines += [f"Rank correlation between proxies; groups with a mean tau above {SAME_GROUP:g}:", ""]
        scores = evaluation.scores[evaluated.name].assign(**{TRUTH: evaluated.accuracies})
        table, figure, sentences = _similar(
            scores, [*names_of(evaluation.scores[evaluated.name]), TRUTH], evaluated.name
        )
        alike.append(table)
        _picture(out / f"similarity-{place}.png", figure)
        lines += [*(sentences or ["- none"]), "", f"![Rank correlation between proxies](similarity-{place}.png)", ""]
    _csv(out / "similarity.csv", pd.concat(alike, ignore_index=True))
    for bench, rows in transfer.groupby("bench", sort=False):
        pairs = rows["scored_on"] + " ->\n" + rows["truth_of"]
        wide = rows.assign(pair=pairs).pivot_table(
            index="proxy", columns="pair", values="tau", sort=False, dropna=False
        )
        title = f"{bench}: tau of scores on one data set -> with the ground truth of another"
        _picture(out / f"transfer-{bench}.png", _wide(wide[list(dict.fromkeys(pairs))], title))
        lines += [f"## Transfer between data sets, {bench}", "", f"![{title}](transfer-{bench}.png)", ""]
    write_files(out, {"lens.md": ("\n".join(lines).rstrip() + "\n").encode()})
    return out


def _strongest(followed: pd.DataFrame) -> list[str]:
    """Per proxy, the statistic with the highest absolute tau."""
    sentences = []
    for proxy, rows in followed.groupby("proxy", sort=False):
        defined = rows[rows["tau"].notna()]
        if proxy != TRUTH and len(defined):
            most = max(records(defined), key=lambda row: abs(number(row["tau"])))
            tau, n = correlation_text(number(most["tau"])), count_text(most["n"])
            sentences.append(f"- {proxy}: {most['count']}, tau {tau} on {n} architectures.")
    return sentences


def _similar(
    scores: pd.DataFrame, names: Sequence[str], place: tuple[str, str]
) -> tuple[pd.DataFrame, Figure, list[str]]:
    """Tau of all pairs, their heat map in clustered order, and a line per group of correlated proxies."""
    values = similarity(scores, names)
    order, groups = clustered(values)
    ordered = [names[at] for at in order]
    pairs = [(*place, names[a], names[b], values[a, b]) for a in range(len(names)) for b in range(a)]
    table = pd.DataFrame(pairs, columns=["bench", "dataset", "proxy", "other", "tau"])
    borders = [at for at in range(len(groups) - 1) if groups[at] != groups[at + 1]]
    with style():
        title = f"tau between proxies, {' / '.join(place)}"
        figure = matrix(values[np.ix_(order, order)], ordered, ordered, title=title, lines=borders)
    members = [
        [name for name, own in zip(ordered, groups, strict=True) if own == group] for group in dict.fromkeys(groups)
    ]
    sentences = [f"- {', '.join(group)}" for group in members if len(group) > 1]
    return table, figure, sentences


def _evaluated(request: EvaluationRequest) -> Evaluation:
    return evaluate(request.proxies, request.benches, request.data_sets, request.settings, ensemble=request.ensembles)


def _study(lens: LensRequest, study: str) -> Path:
    request = lens.evaluation
    out = request.settings.out or Path("results/runs") / f"study-{study}"
    runs: list[tuple[str, Evaluation]] = []
    skipped = []
    for variant in variants(study, request.settings, lens.protocols):
        try:
            settings = replace(variant.settings, out=out / variant.name)
            runs.append((variant.name, _evaluated(replace(request, settings=settings))))
        except HarnessError as error:
            if not runs:
                raise
            skipped.append(f"- skipped: {variant.name}. {error}")
    table = stability_table(runs)
    _csv(out / "stability.csv", table)
    lines = [f"# Stability under varied {study}", "", *skipped]
    for (bench, dataset), rows in table.groupby(["bench", "dataset"], sort=False):
        lines += ["", f"## {bench} / {dataset}", ""]
        for value, title in (
            ("tau_with_reference", "tau with the scores of the reference settings"),
            ("tau", "tau with the ground truth"),
        ):
            wide = rows.pivot_table(index="proxy", columns="variant", values=value, sort=False, dropna=False)
            wide = wide.reindex(columns=[name for name, _ in runs])
            name = f"{value}-{bench}-{dataset}.png"
            _picture(out / name, _wide(wide, f"{bench} / {dataset}: {title}"))
            lines += [f"![{title}]({name})", ""]
    write_files(out, {"lens.md": ("\n".join(lines).rstrip() + "\n").encode()})
    return out


def _wide(wide: pd.DataFrame, title: str) -> Figure:
    with style():
        names = [str(name) for name in wide.columns]
        return matrix(wide.to_numpy(dtype=np.float64), [str(name) for name in wide.index], names, title=title)


def _picture(path: Path, figure: Figure) -> None:
    with style():
        write_files(path.parent, {path.name: png(figure)})


def _csv(path: Path, table: pd.DataFrame) -> None:
    write_files(path.parent, {path.name: csv_text(table).encode()})
