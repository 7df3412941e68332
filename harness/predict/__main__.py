"""The command `nas-harness predict bench=... dataset=...`: what n trained networks predict about the others."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("predict"))

import dataclasses
import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.errors import OptionError
from harness.evaluation.costs import Budget, open_costs
from harness.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from harness.evaluation.pairs import pairs
from harness.evaluation.provenance import Asked, describe_process, restriction_record
from harness.evaluation.sampling import drawn_from
from harness.files.out_folder import RECORD, out_folder
from harness.files.results import write_files
from harness.predict.choosing import Choosing, refuse_shgo
from harness.predict.features import GRAF, LOG_WIDTHS, SCORES, FeatureTable, feature_table
from harness.predict.references import references, stored_scores, worth
from harness.predict.report import Prediction, terminal_lines, write_prediction
from harness.predict.settings import EXHAUSTIVE, SHGO, Model, PredictRequest, read_predict
from harness.predict.study import Known, draws, measured, refuse_too_many, summary
from harness.scoring import ContextSpec
from harness.settings import ALL, Settings

read = read_predict
PROXIES = ("zico", "naswot", "synflow", "meco_opt")
"""Those that stand beside the models and are features, unless others are named."""
SUITING = {LOG_WIDTHS: ("ridge", "gaussian_process"), GRAF: ("random_forest",), SCORES: ("gaussian_process",)}
_LARGE = 50_000
_SAMPLE = 10_000
_COUNTS = ("params", "flops")


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("predict", words)


def run(request: PredictRequest) -> None:
    """Fit, measure, choose and write.

    Raises:
        HarnessError: for a user's mistake or missing data.
    """
    asked, chosen = request.evaluation, request.predicted
    settings = asked.settings
    evaluated = _known(request)
    refuse_too_many(chosen.n, len(evaluated.archs), evaluated.truth.name)
    names = dict.fromkeys((*(asked.proxies or PROXIES), *settings.against))
    scores = stored_scores(evaluated, settings, chosen.score_tables, list(names))
    of_proxies = {name: values for name, values in scores.items() if name not in settings.against}
    models, features = _models(chosen.models, evaluated, of_proxies)
    known = Known(evaluated, features)
    if SHGO in chosen.search:
        if settings.restrict is not None:
            raise OptionError(
                f"restrict={settings.restrict} is invalid with search={SHGO}, which searches a whole box. Use "
                f"search={EXHAUSTIVE}, or a budget."
            )
        refuse_shgo(models, known)
    choosing = _choosing(request, known)
    _ = choosing.feasible  # a budget that nothing meets is known before anything is fitted
    command = Asked({"bench": asked.benches, "dataset": asked.data_sets, "proxy": list(names)}, settings)
    with out_folder(settings.out, f"{evaluated.space.name}-{evaluated.data_set.name}-predict") as out:
        rows, choices, seen = [], list(choosing.untrained()), set()
        for drawn in draws(known, models, chosen.n, (chosen.draws, settings.seed)):
            rows.append(measured(known, drawn))
            choices += choosing.rows(drawn, chosen.search)
            if (drawn.n, drawn.draw) not in seen:
                choices.append(choosing.baselines(drawn))
                seen.add((drawn.n, drawn.draw))
        found = _prediction(known, pd.DataFrame(rows), pd.DataFrame(choices), references(known, scores), choosing)
        write_prediction(out, found, command.command)
        own = dataclasses.asdict(chosen)
        record = describe_process(command.command) | {
            "config": command.config,
            "predict": own,
            "learns_from_truth": True,
        }
        record |= restriction_record([evaluated.population.restriction])
        write_files(out, {RECORD: (json.dumps(record, indent=2, default=str) + "\n").encode()})
        print(*terminal_lines(found), out, sep="\n")


def _known(request: PredictRequest) -> EvaluationSet:
    """The networks whose truth is known, of the population or of the sample that was asked for."""
    asked, settings = request.evaluation, request.evaluation.settings
    named = pairs(asked.benches, asked.data_sets, settings).usable
    if len(named) != 1 or len(asked.benches) > 1 or len(asked.data_sets) > 1:
        raise OptionError(
            "predict takes one benchmark and one data set, but "
            f"bench={','.join(asked.benches)} dataset={','.join(asked.data_sets)} was given."
        )
    space, data_set = named[0]
    if not space.enumerable:
        raise OptionError(f"predict needs a benchmark whose architectures can be listed; {space.name} has too many.")
    whole = open_evaluation_set(space, data_set, dataclasses.replace(settings, sample=ALL), None)
    rows = np.flatnonzero(np.isfinite(whole.values))
    n = _sample_size(settings, rows.size)
    if n < rows.size:
        drawn = drawn_from(whole.index[rows], space, dataclasses.replace(settings, sample=n))
        rows = np.flatnonzero(np.isin(whole.index, drawn))
    archs = tuple(whole.archs[row] for row in rows)
    return dataclasses.replace(whole, archs=archs, index=whole.index[rows], values=whole.values[rows])


def _sample_size(settings: Settings, n_known: int) -> int:
    if settings.sample is None:
        return n_known if n_known <= _LARGE else _SAMPLE
    return n_known if settings.sample == ALL else int(settings.sample)


def _models(
    words: Sequence[str] | None, evaluated: EvaluationSet, scores: dict[str, np.ndarray]
) -> tuple[list[Model], dict[str, FeatureTable]]:
    """The models that were named with their features; by default those that suit the space and the stored scores.

    Raises:
        OptionError: if features that were named cannot be had.
    """
    features: dict[str, FeatureTable] = {}
    if words is not None:
        models = [Model.read(word) for word in words]
        for name in dict.fromkeys(model.features for model in models):
            features[name] = feature_table(name, evaluated.space, evaluated.archs, scores)
        return models, features
    reasons = []
    for name in SUITING:
        try:
            features[name] = feature_table(name, evaluated.space, evaluated.archs, scores)
        except OptionError as reason:
            reasons.append(str(reason))
    if not features:
        raise OptionError(reasons[-1])
    return [Model(predictor, name) for name in features for predictor in SUITING[name]], features


def _choosing(request: PredictRequest, known: Known) -> Choosing:
    settings, limits = request.evaluation.settings, request.predicted.budget
    evaluated = known.evaluated
    context = ContextSpec.of(evaluated.space, evaluated.data_set, settings, settings.seed)
    costs = open_costs([*_COUNTS, *limits], context, evaluated.benchmark_truth)
    budget = Budget({costs[name]: limit for name, limit in limits.items()})
    return Choosing(known, budget, [costs[name] for name in _COUNTS])


def _prediction(
    known: Known, rows: pd.DataFrame, chosen: pd.DataFrame, beside: pd.DataFrame, choosing: Choosing
) -> Prediction:
    evaluated = known.evaluated
    short = summary(rows)
    text = f" within {choosing.budget.text}" if choosing.budget.limits else ""
    best = known.values[choosing.best]
    direction = "" if evaluated.truth.higher_is_better else ", lower is better"
    notes = [
        f"{len(known):,} networks with known truth, of the population {evaluated.population.name}; draws are uniform "
        "over all of them, whatever the budget. Measured are those of whose isomorphism class none was trained.",
        f"{len(choosing.feasible):,} of them{text}; the best is `{evaluated.archs[choosing.best]}`, {best:g}.",
        *(
            f"Features `{name}`: {len(table.columns)} columns{_columns(table)}."
            for name, table in known.features.items()
        ),
    ]
    truth = f"{evaluated.truth.name} ({evaluated.truth.unit}{direction})"
    title = f"{evaluated.space.name} / {evaluated.data_set.name}, {truth}"
    return Prediction(title, notes, rows, short, chosen, beside, worth(short, beside))


def _columns(table: FeatureTable) -> str:
    return f" ({', '.join(table.columns)})" if len(table.columns) <= 8 else ""
