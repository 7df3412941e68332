"""Sentences of the verdict: over cells and over networks, exact or sampled, and when the two disagree."""

import numpy as np
import pandas as pd
import pytest

from harness.agreement import RowKey, Rules, Sample, comparisons, verdict_table
from harness.report import EvaluationTables
from harness.report.verdict import counting_sentences, legend, more_sentences, verdict_lines, verdict_sentences

FAMILIES, SINGLE = 40, 300


def tables_of(n_population: int, rules: Rules | None = None) -> EvaluationTables:
    """40 networks of 20 names, on which zico beats params, and 300 of one name, on which params beats zico by more."""
    random = np.random.default_rng(0)
    classes = np.r_[np.repeat(np.arange(FAMILIES), 20), np.arange(FAMILIES, FAMILIES + SINGLE)]
    sizes = np.where(classes < FAMILIES, 20, 1)
    truth, (much, little) = random.normal(size=classes.max() + 1), random.normal(size=(2, classes.max() + 1))
    good, bad = (truth + 0.3 * much)[classes], (truth + 3 * little)[classes]
    scores = {"zico": np.where(sizes == 20, good, bad), "params": np.where(sizes == 20, bad, good)}
    found = comparisons(scores, Sample(truth[classes], classes, n_population, sizes), proxies=["zico"])
    row_key = RowKey("nats_tss", "cifar10", "zico", "1", "", "paper", "real", "test200", "0")
    verdicts = verdict_table([(row_key, one) for one in found], rules)
    return EvaluationTables(pd.DataFrame(), {}, verdicts=verdicts)


def test_a_whole_population_is_exact_and_the_disagreement_of_cells_and_networks_is_said() -> None:
    tables = tables_of(FAMILIES * 20 + SINGLE)
    ((place, sentence),) = verdict_sentences(tables, baseline="params")
    assert place == "nats_tss / cifar10"
    assert sentence.startswith("zico beats #Params: over cells yes, delta tau +.")
    assert "; over networks no, delta tau -." in sentence
    assert sentence.count("exact for this population") == 2
    assert sentence.endswith("; the two disagree")
    assert ", p " not in sentence
    ((_, counting),) = counting_sentences(tables)
    assert counting == (
        "zico beats counting: over cells yes (#Params); over networks no (falls behind #Params); the two disagree"
    )
    ((_, more),) = more_sentences(tables, baseline="params")
    assert more.startswith("zico adds information beyond #Params: over cells yes, partial tau .")
    lines = list(verdict_lines(tables))
    assert [line.split(" | ")[4] for line in lines[2:]] == ["cells", "networks"]
    notes = " ".join(legend(tables))
    assert "has no p" in notes
    assert "One seed of zico" in notes
    assert "The noise of the truth is unknown" in notes


@pytest.mark.parametrize("rules", [Rules(), Rules(hypotheses=[("zico", "params")])])
def test_a_sample_has_a_p_and_a_declared_hypothesis_is_named(rules: Rules) -> None:
    ((_, sentence),) = verdict_sentences(tables_of(10_000, rules), baseline="params")
    assert ", p " in sentence
    assert "exact" not in sentence
    assert ("(declared beforehand)" in sentence) == bool(rules.hypotheses)


def test_a_constant_proxy_is_undecided_for_its_own_sake() -> None:
    classes = np.arange(50)
    truth, params = np.random.default_rng(0).normal(size=(2, 50))
    sample = Sample(truth, classes, 10_000, np.ones(50))
    found = comparisons({"flat": np.zeros(50), "params": params}, sample, proxies=["flat"])
    row_key = RowKey("nats_tss", "cifar10", "flat", "1", "", "paper", "real", "test200", "0")
    tables = EvaluationTables(pd.DataFrame(), {}, verdicts=verdict_table([(row_key, one) for one in found], None))
    ((_, counting),) = counting_sentences(tables)
    assert counting == "flat beats counting: undecided (tau is not defined)"


def test_a_proxy_without_any_score_is_undecided_throughout() -> None:
    classes = np.arange(50)
    truth, params = np.random.default_rng(0).normal(size=(2, 50))
    scores = {"epsinas": np.full(50, np.nan), "params": params}
    found = comparisons(scores, Sample(truth, classes, 10_000, np.ones(50)), proxies=["epsinas"])
    row_key = RowKey("nasbench101", "cifar10", "epsinas", "1", "", "paper", "real", "test108", "0")
    tables = EvaluationTables(pd.DataFrame(), {}, verdicts=verdict_table([(row_key, one) for one in found], None))
    ((_, beats),) = verdict_sentences(tables, baseline="params")
    ((_, more),) = more_sentences(tables, baseline="params")
    ((_, counting),) = counting_sentences(tables)
    assert beats == "epsinas beats #Params: undecided, tau is not defined on the 0 rows that both have"
    assert more == "epsinas adds information beyond #Params: undecided, tau is not defined on the 0 rows that both have"
    assert counting == "epsinas beats counting: undecided (tau is not defined)"
