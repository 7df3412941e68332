"""The command `nas-harness choose truth=accuracies.csv:accuracy bench=... dataset=...`: what to train next."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("choose"))

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness.choose.benchmark import benchmark_pool
from harness.choose.finding import find
from harness.choose.nested import FEWEST_CLASSES
from harness.choose.pool import Pool
from harness.choose.proposals import proposals
from harness.choose.rankings import rankings_of
from harness.choose.report import Answer, terminal_text, write_answer
from harness.choose.scores import scores_of
from harness.choose.settings import MOST_TRAINED, ChooseRequest, read_choose
from harness.choose.simulation import Design, simulate
from harness.choose.simulation_report import write_simulation
from harness.errors import HarnessError, OptionError
from harness.evaluation import defined_proxies
from harness.evaluation.architecture_file import names_table
from harness.evaluation.evaluation_set import EvaluationSet, default_truth, open_evaluation_set
from harness.evaluation.own_truth import given_names, opened_truth, truth_word
from harness.evaluation.pairs import attempted, pairs
from harness.evaluation.population import open_population, restricted_population
from harness.evaluation.provenance import Asked, describe_process, restriction_record
from harness.evaluation.restriction import Restriction, open_restriction
from harness.evaluation.sampling import sample_index
from harness.files.out_folder import RECORD, out_folder
from harness.files.results import write_files
from harness.inputs import DataSet
from harness.predictors import PREDICTORS, Predictor
from harness.proxy import is_baseline
from harness.scoring.proxy_spec import parse_proxies
from harness.settings import ALL, Settings
from harness.space import SearchSpace
from harness.truth.own_file import names_file

read = read_choose


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("choose", words)


def run(request: ChooseRequest) -> None:
    """Choose, or simulate choosing.

    Raises:
        HarnessError: for a user error or missing data.
    """
    if request.chosen.simulate is not None:
        _simulate(request)
    else:
        _choose(request)


def _choose(request: ChooseRequest) -> None:
    asked, chosen = request.evaluation, request.chosen
    settings = asked.settings
    predictors = _predictors(request)
    named = pairs(asked.benches, asked.data_sets, settings, given_names(settings, None)).usable
    if len(named) != 1 or len(asked.benches) > 1 or len(asked.data_sets) > 1:
        raise OptionError(
            "choose takes one benchmark and one data set, but "
            f"bench={','.join(asked.benches)} dataset={','.join(asked.data_sets)} was given."
        )
    space, data_set = named[0]
    word = truth_word(space, data_set, settings)
    if word is None and not space.is_own:
        raise OptionError(
            "truth= is missing: give the accuracies of the trained architectures as truth=FILE.csv:COLUMN, or "
            "simulate=[20,50,100]."
        )
    if not space.enumerable:
        raise OptionError(f"choose needs a benchmark whose architectures can be listed; {space.name} has too many.")
    evaluated = _opened(space, data_set, settings, word)
    index, accuracies = evaluated.index, evaluated.accuracies
    classes = np.unique(np.array(evaluated.classes), return_inverse=True)[1]
    known = np.isfinite(accuracies)
    _check_trained(accuracies[known], classes[known], evaluated.truth.name)
    words = asked.proxies or (ALL,)
    specs = parse_proxies([*words, *settings.against], settings.options)
    specs = defined_proxies(specs, settings, asked_for_all=ALL in words)
    command = Asked({"proxy": words, "bench": [space.name], "dataset": [data_set.name]}, settings)
    with out_folder(settings.out, f"{space.name}-{data_set.name}-choose") as out:
        scored = scores_of(evaluated, specs, settings, chosen.score_tables)
        counts = frozenset(str(name) for name in scored.table if is_baseline(str(name)))
        pool = Pool(evaluated.archs, index, classes, scored.table, accuracies, counts)
        rankings = rankings_of(pool, predictors)
        if not rankings.fixed:
            raise HarnessError("No proxy tells the trained architectures apart, so that none can rank the rest.")
        finding = find(
            pool, rankings, n_repeats=chosen.repeats, seed=settings.seed, n_population=len(space.architectures)
        )
        proposed = proposals(finding, chosen.k)
        answer = Answer(f"{space.name} / {data_set.name}", evaluated.truth.name, finding, proposed, scored.left_out)
        write_answer(out, answer, command.command)
        _write_record(out, request, command, open_restriction(space, data_set, settings))
        print(terminal_text(answer))
        print(out)


def _opened(space: SearchSpace, data_set: DataSet, settings: Settings, word: str | None) -> EvaluationSet:
    """The trained architectures and the candidates, in official order."""
    truth = opened_truth(space, data_set, word)
    is_file = word is not None and names_file(word)
    column = truth.columns(data_set.name)[0].name if is_file else default_truth(truth, space, data_set)
    if word is not None and not is_file:
        column = truth.column(data_set.name, word).name
    known = np.flatnonzero(np.isfinite(truth.values(space.architectures, data_set.name, column)))
    named = settings.population or space.default_population
    wanted = open_population(space, named)
    restriction = open_restriction(space, data_set, settings)
    candidates = sample_index(space, settings, restricted_population(wanted, restriction))
    index = np.unique(np.concatenate([known, candidates]))
    # Of these, nothing more is to be drawn; and what was trained outside of a list or a restriction is evidence too.
    population = ALL if names_table(named) else named
    whole = dataclasses.replace(settings, sample=None, restrict=None, population=population)
    return open_evaluation_set(space, data_set, whole, [space.architectures[row] for row in index])


def _check_trained(accuracies: np.ndarray, classes: np.ndarray, truth: str) -> None:
    n_classes = np.unique(classes).size
    if n_classes < FEWEST_CLASSES:
        raise OptionError(
            f"truth={truth} has accuracies of {n_classes} different networks; choosing takes at least {FEWEST_CLASSES}."
        )
    if accuracies.size > MOST_TRAINED:
        raise OptionError(
            f"truth={truth} has {accuracies.size:,} accuracies; choosing takes at most {MOST_TRAINED:,}. With so many, "
            "evaluate the proxies: python -m harness truth=..."
        )
    if np.ptp(accuracies) == 0:
        raise OptionError(f"truth={truth} has the same accuracy, {accuracies[0]:g}, for all architectures.")


def _predictors(request: ChooseRequest) -> Mapping[str, Predictor]:
    """The predictors by name, with default options; those that predict accuracies in their unit where named."""
    names = request.chosen.predictors or tuple(name for name in PREDICTORS if not PREDICTORS.get(name).in_units)
    return {name: PREDICTORS.get(name)() for name in names}


def _simulate(request: ChooseRequest) -> None:
    asked, chosen = request.evaluation, request.chosen
    predictors = _predictors(request)
    if chosen.score_tables is None:
        raise OptionError("score_tables=null is invalid: a simulation takes its scores from score tables.")
    if asked.settings.restrict is not None:
        raise OptionError("restrict= is for choosing what to train; simulate= draws from the whole space.")
    tables = chosen.score_tables
    named = pairs(asked.benches, asked.data_sets, asked.settings)
    opened, skipped = attempted(
        lambda space, data_set: (space, data_set, *benchmark_pool(space, data_set, asked.settings, tables)),
        named, "simulated",
    )  # fmt: skip
    command = Asked({"bench": asked.benches, "dataset": asked.data_sets}, asked.settings)
    with out_folder(asked.settings.out, "choose-simulation") as out:
        draws, notes = [], {}
        for space, data_set, pool, truth in opened:
            numbers = tuple(n for n in chosen.simulate or () if n < len(pool.archs) / 2 + 1)
            design = Design(numbers, chosen.draws, chosen.repeats, asked.settings.seed)
            draws.append(simulate(pool, {"bench": space.name, "dataset": data_set.name}, design, predictors))
            notes[f"{space.name} / {data_set.name}"] = (
                f"{len(pool.archs):,} architectures ({np.unique(pool.classes).size:,} networks), truth {truth}, "
                f"{pool.scores.shape[1]} proxies and counts, {chosen.draws} draws of each number"
            )
        write_simulation(out, pd.concat(draws, ignore_index=True), notes)
        _write_record(out, request, command)
        print((out / "simulation.md").read_text(encoding="utf-8"), end="")
        for skip in skipped:
            print(f"skipped: {skip.bench} {skip.data_set}: {skip.reason}")
        print(out)


def _write_record(out: Path, request: ChooseRequest, command: Asked, restriction: Restriction | None = None) -> None:
    own = dataclasses.asdict(request.chosen)
    record = describe_process(command.command) | {"config": command.config, "choose": own}
    record |= restriction_record([restriction])
    write_files(out, {RECORD: (json.dumps(record, indent=2, default=str) + "\n").encode()})
