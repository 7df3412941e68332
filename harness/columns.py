"""Column names of the files that an evaluation writes, and the reader that keeps old files loading.

`agreement.csv` has one row per benchmark, data set, proxy (with its options) and seed; `scores.parquet` one row per
architecture. Names are a contract: new columns are appended, none is renamed.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from harness.errors import CorruptDataError, MissingDataError

BENCH: Final = "bench"
DATASET: Final = "dataset"
PROXY: Final = "proxy"
VERSION: Final = "version"
OPTIONS: Final = "options"
PROTOCOL: Final = "protocol"
INPUTS: Final = "inputs"
TRUTH: Final = "truth"
SEED: Final = "seed"
EXTERNAL: Final = "external"  # in the column of versions, for scores computed elsewhere
NO_SEED: Final = "none"  # in the column of seeds, for a proxy that uses none
N: Final = "n"
N_NAN: Final = "n_nan"
N_INF: Final = "n_inf"
TAU: Final = "tau"
TAU_LOW: Final = "tau_low"
TAU_HIGH: Final = "tau_high"
RHO: Final = "rho"
RHO_LOW: Final = "rho_low"
RHO_HIGH: Final = "rho_high"
SECONDS: Final = "seconds"
TAU_SAMPLING_LOW: Final = "tau_sampling_low"
TAU_SAMPLING_HIGH: Final = "tau_sampling_high"
RHO_SAMPLING_LOW: Final = "rho_sampling_low"
RHO_SAMPLING_HIGH: Final = "rho_sampling_high"
N_CLASSES: Final = "n_classes"
N_POPULATION: Final = "n_population"
COMPONENTS: Final = "components"
POPULATION: Final = "population"
TAU_NETWORKS: Final = "tau_networks"
TAU_NETWORKS_LOW: Final = "tau_networks_low"
TAU_NETWORKS_HIGH: Final = "tau_networks_high"
RHO_NETWORKS: Final = "rho_networks"
RHO_NETWORKS_LOW: Final = "rho_networks_low"
RHO_NETWORKS_HIGH: Final = "rho_networks_high"
TAU_NETWORKS_SAMPLING_LOW: Final = "tau_networks_sampling_low"
TAU_NETWORKS_SAMPLING_HIGH: Final = "tau_networks_sampling_high"
N_EFFECTIVE: Final = "n_effective_classes"
N_EFFECTIVE_NETWORKS: Final = "n_effective_classes_networks"
COVERAGE_WEIGHTS: Final = "coverage_weights"
COVERAGE_ACTIVATIONS: Final = "coverage_activations"

# Identity of a row: text, in memory as in the file (a seed may be a list, options are free text).
SUBJECT: Final = (BENCH, DATASET, PROXY, VERSION, OPTIONS, PROTOCOL, INPUTS, TRUTH, SEED)
# tau_low .. rho_high are the `generalisation` interval, on which verdicts rest; seconds are CPU seconds per network.
MEASURED: Final = (N, N_NAN, N_INF, TAU, TAU_LOW, TAU_HIGH, RHO, RHO_LOW, RHO_HIGH, SECONDS)
APPENDED: Final = (
    TAU_SAMPLING_LOW,
    TAU_SAMPLING_HIGH,
    RHO_SAMPLING_LOW,
    RHO_SAMPLING_HIGH,
    N_CLASSES,
    N_POPULATION,
)
# Text; the proxies that an ensemble combines, joined by "+", and which architectures of the space the row is about.
APPENDED_TEXT: Final = (COMPONENTS, POPULATION)
# One vote for each network, whatever the number of its names: weights 1 / class size in the whole population.
OF_NETWORKS: Final = (
    TAU_NETWORKS, TAU_NETWORKS_LOW, TAU_NETWORKS_HIGH, RHO_NETWORKS, RHO_NETWORKS_LOW, RHO_NETWORKS_HIGH,
    TAU_NETWORKS_SAMPLING_LOW, TAU_NETWORKS_SAMPLING_HIGH, N_EFFECTIVE, N_EFFECTIVE_NETWORKS,
)  # fmt: skip
# The smallest share of a network's weights and activations that the proxy saw; known for networks of the user's own.
COVERAGE: Final = (COVERAGE_WEIGHTS, COVERAGE_ACTIVATIONS)
AGREEMENT: Final = SUBJECT + MEASURED + APPENDED + APPENDED_TEXT + OF_NETWORKS + COVERAGE
# What files of versions that did not have these texts are about.
_TEXT_BEFORE: Final = {COMPONENTS: "", POPULATION: "all"}

# verdict.csv: a proxy (the mean of its seeds) compared with a baseline on the rows that both have; intervals are over
# canonical classes, p_holm is corrected for all proxies compared with that baseline there.
BASELINE: Final = "baseline"
BASELINE_TAU: Final = "baseline_tau"
DELTA: Final = "delta"
DELTA_LOW: Final = "delta_low"
DELTA_HIGH: Final = "delta_high"
P: Final = "p"
P_HOLM: Final = "p_holm"
BEATS: Final = "beats"
PARTIAL_TAU: Final = "partial_tau"
PARTIAL_LOW: Final = "partial_tau_low"
PARTIAL_HIGH: Final = "partial_tau_high"
P_PARTIAL: Final = "p_partial"
_VERDICT: Final = (
    *SUBJECT, BASELINE, N, N_CLASSES, TAU, BASELINE_TAU, DELTA, DELTA_LOW, DELTA_HIGH, P, P_HOLM, BEATS,
    PARTIAL_TAU, PARTIAL_LOW, PARTIAL_HIGH, P_PARTIAL, COMPONENTS,
)  # fmt: skip
# Appended: the same over networks; whether the population is enumerated (then there is no p, and `beats` asks for more
# than `smallest` and twice the error of truth and seeds); the family of Holm's correction, and whether the hypothesis
# was declared beforehand, so that the raw p decides.
BASELINE_TAU_NETWORKS: Final = "baseline_tau_networks"
DELTA_NETWORKS: Final = "delta_networks"
DELTA_NETWORKS_LOW: Final = "delta_networks_low"
DELTA_NETWORKS_HIGH: Final = "delta_networks_high"
P_NETWORKS: Final = "p_networks"
P_HOLM_NETWORKS: Final = "p_holm_networks"
BEATS_NETWORKS: Final = "beats_networks"
PARTIAL_TAU_NETWORKS: Final = "partial_tau_networks"
PARTIAL_NETWORKS_LOW: Final = "partial_tau_networks_low"
PARTIAL_NETWORKS_HIGH: Final = "partial_tau_networks_high"
P_PARTIAL_NETWORKS: Final = "p_partial_networks"
TRUTH_ERROR: Final = "truth_error"
TRUTH_ERROR_NETWORKS: Final = "truth_error_networks"
SEED_ERROR: Final = "seed_error"
SEED_ERROR_NETWORKS: Final = "seed_error_networks"
N_DECIDING_SEEDS: Final = "n_seeds"
ENUMERATED: Final = "enumerated"
SMALLEST: Final = "smallest"
N_FAMILY: Final = "n_family"
N_FAMILY_NETWORKS: Final = "n_family_networks"
DECLARED: Final = "declared"
VERDICT_TEXT: Final = (POPULATION, BEATS_NETWORKS, ENUMERATED, DECLARED)
VERDICT_NUMBERS: Final = (
    TAU_NETWORKS, BASELINE_TAU_NETWORKS, DELTA_NETWORKS, DELTA_NETWORKS_LOW, DELTA_NETWORKS_HIGH, P_NETWORKS,
    P_HOLM_NETWORKS, PARTIAL_TAU_NETWORKS, PARTIAL_NETWORKS_LOW, PARTIAL_NETWORKS_HIGH, P_PARTIAL_NETWORKS,
    N_EFFECTIVE, N_EFFECTIVE_NETWORKS, TRUTH_ERROR, TRUTH_ERROR_NETWORKS, SEED_ERROR, SEED_ERROR_NETWORKS,
    N_DECIDING_SEEDS, SMALLEST, N_FAMILY, N_FAMILY_NETWORKS,
)  # fmt: skip
VERDICT_APPENDED: Final = VERDICT_TEXT + VERDICT_NUMBERS
VERDICT: Final = _VERDICT + VERDICT_APPENDED

# selection.csv: subject, what a ranking finds over cells, the same over networks, then agreement at equal cost.
WEIGHTED_TAU: Final = "weighted_tau"
TAU_UPPER_HALF: Final = "tau_upper_half"
TAU_TOP_DECILE: Final = "tau_top_decile"
N_FIRST: Final = "n_first"
TOP: Final = (1, 10, 100)
PRECISION_AT: Final = (10, 100)
NDCG_AT: Final = (10, 100, 1_000)
# Counts of which agreement at equal cost is found, by what its columns call them: names of proxies.
COSTS: Final = {"flops": "flops_live", "params": "params"}
NETWORKS: Final = "_networks"
FOUND: Final = (
    WEIGHTED_TAU, TAU_UPPER_HALF, TAU_TOP_DECILE,
    *(f"top{k}_overlap" for k in TOP), *(f"top{k}_regret" for k in TOP), N_FIRST,
    *(f"precision{k}" for k in PRECISION_AT), *(f"ndcg{k}" for k in NDCG_AT),
)  # fmt: skip
_AT_EQUAL_COST: Final = tuple(
    name for cost in COSTS for name in (f"tau_equal_{cost}", f"tau_equal_{cost}{NETWORKS}", f"n_pairs_equal_{cost}")
)

SELECTION: Final = (
    *SUBJECT, COMPONENTS, POPULATION, *FOUND, *(f"{name}{NETWORKS}" for name in FOUND), N, N_NAN, *_AT_EQUAL_COST,
)  # fmt: skip

# seeds.csv: a proxy over its own seeds; reliability.csv: test-retest reliability of the ground truth.
N_SEEDS: Final = "n_seeds"
TAU_MEAN: Final = "tau_mean"
TAU_SEED_SD: Final = "tau_seed_sd"
TAU_SEED_LOW: Final = "tau_seed_min"
TAU_SEED_HIGH: Final = "tau_seed_max"
TAU_ARCH_SE: Final = "tau_architecture_se"
TAU_BETWEEN_SEEDS: Final = "tau_between_seeds"
SEEDS: Final = (
    BENCH, DATASET, PROXY, VERSION, OPTIONS, PROTOCOL, INPUTS, TRUTH, COMPONENTS,
    N_SEEDS, TAU_MEAN, TAU_SEED_SD, TAU_SEED_LOW, TAU_SEED_HIGH, TAU_ARCH_SE, TAU_BETWEEN_SEEDS,
)  # fmt: skip
# reference.csv: early-epoch accuracy compared with the ground truth.
REFERENCE_COLUMN: Final = "reference"
EPOCHS: Final = "epochs"
REFERENCE: Final = (BENCH, DATASET, TRUTH, REFERENCE_COLUMN, EPOCHS, N, TAU, TAU_LOW, TAU_HIGH, RHO, RHO_LOW, RHO_HIGH)
BETWEEN: Final = "between"
RELIABILITY: Final = (BENCH, DATASET, TRUTH, BETWEEN, N, TAU, TAU_UPPER_HALF, TAU_TOP_DECILE, "tau_sd")

# coverage.csv, for networks of the user's own: what each score is made of, or why there is none.
STATUS: Final = "status"
REASON: Final = "reason"

# scores.parquet: these three, then one column per proxy; several data sets in one file: bench and dataset in front.
ARCH: Final = "arch"
INDEX: Final = "index"
SCORES: Final = (ARCH, INDEX, TRUTH)
COVERED: Final = (BENCH, DATASET, ARCH, PROXY, SEED, STATUS, COVERAGE_WEIGHTS, COVERAGE_ACTIVATIONS, REASON)

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")
_HARMLESS = re.compile(r"-(?:|[0-9.][0-9.,eE+\-]*|inf|nan)")  # a lone dash, and numbers
# What a row of each file is about, and what each column means and in which unit; the reference of the documentation
# is made of them.
ROWS: Final = {
    "agreement.csv": "One row per benchmark, data set, proxy with its options, and seed.",
    "verdict.csv": (
        "One row per proxy and baseline, several seeds as their mean; both on the architectures that have both scores."
    ),
    "selection.csv": "One row per row of agreement.csv: how good what the proxy would pick is; tau at equal cost.",
    "seeds.csv": "One row per proxy that was scored with several seeds.",
    "reliability.csv": "One row per benchmark and data set whose truth was measured more than once.",
    "reference.csv": "One row per truth column of fewer epochs, taken as if it were a proxy.",
    "coverage.csv": "One row per network of the user's own, proxy and seed: how much of the network the score is of.",
    "scores.parquet": "One row per architecture; a column of float64 scores per proxy follows those listed here.",
}
MEANINGS: Final = {
    BENCH: "name of the benchmark",
    DATASET: "data set or task",
    PROXY: "name of the proxy or of the ensemble",
    VERSION: "version of the proxy's definition",
    OPTIONS: "the proxy's options that differ from their defaults; empty for none",
    PROTOCOL: "protocol of the batches and of the network, with what differs from the named one; none for counts",
    INPUTS: "images the networks saw: real, substitute or noise; none for counts",
    TRUTH: "name of the truth column; in scores.parquet its value for the architecture, in the unit of that column",
    SEED: "seed of initial weights and batches; none for a proxy that uses neither",
    N: "architectures in the comparison",
    N_NAN: "architectures left out because score or truth is missing, or the truth infinite",
    N_INF: "architectures with an infinite score; -inf ranks lowest, +inf highest",
    TAU: "Kendall's tau-b of score and truth, from -1 to 1",
    TAU_LOW: "lower end of the 95 % generalisation interval of tau",
    TAU_HIGH: "upper end of the same",
    RHO: "Spearman's rho of score and truth, from -1 to 1",
    RHO_LOW: "lower end of the 95 % generalisation interval of rho",
    RHO_HIGH: "upper end of the same",
    SECONDS: "CPU seconds per network",
    TAU_SAMPLING_LOW: "lower end of the 95 % sampling interval of tau, about the value of the whole space",
    TAU_SAMPLING_HIGH: "upper end of the same",
    RHO_SAMPLING_LOW: "lower end of the 95 % sampling interval of rho, about the value of the whole space",
    RHO_SAMPLING_HIGH: "upper end of the same",
    N_CLASSES: "canonical classes among these architectures, the units that are resampled",
    N_POPULATION: "architectures that the sample was drawn from",
    COMPONENTS: "proxies that an ensemble combines, joined by +; empty for a proxy",
    POPULATION: "architectures that the row is about: all, a population that the benchmark names, or a CSV file",
    TAU_NETWORKS: "tau-b with one vote per network: an architecture weighs 1 / the size of its class in the population",
    TAU_NETWORKS_LOW: "lower end of the 95 % generalisation interval of tau_networks",
    TAU_NETWORKS_HIGH: "upper end of the same",
    RHO_NETWORKS: "Spearman's rho with one vote per network",
    RHO_NETWORKS_LOW: "lower end of the 95 % generalisation interval of rho_networks",
    RHO_NETWORKS_HIGH: "upper end of the same",
    TAU_NETWORKS_SAMPLING_LOW: "lower end of the 95 % sampling interval of tau_networks",
    TAU_NETWORKS_SAMPLING_HIGH: "upper end of the same",
    N_EFFECTIVE: (
        "effective number of classes: (sum v)^2 / sum v^2, v the squared class sums of the influences on tau, in "
        "verdict.csv on delta"
    ),
    N_EFFECTIVE_NETWORKS: "the same with one vote per network",
    COVERAGE_WEIGHTS: (
        "share of the entries of a network's weights that the proxy saw, from 0 to 1: in coverage.csv of this "
        "network, in agreement.csv the smallest of all; empty where the proxy is not about weights, and for the "
        "project's benchmarks"
    ),
    COVERAGE_ACTIVATIONS: "the same of the units of its elementwise activations",
    STATUS: "ok, undefined or failed",
    REASON: "why there is no score; empty for a score",
    BASELINE: "the count that the proxy is compared with",
    BASELINE_TAU: "Kendall's tau-b of the baseline on the same architectures",
    DELTA: "tau less baseline_tau",
    DELTA_LOW: "lower end of the 95 % interval of delta: influences clustered by class, t by Satterthwaite",
    DELTA_HIGH: "upper end of the same",
    P: "two-sided p-value of delta by the same t, before correction; empty where the population is enumerated",
    P_HOLM: "the p-value by Holm's correction over the proxies beside that baseline; empty for a baseline",
    BEATS: "yes, no, no difference (a whole population: none that matters) or undecided; empty for a baseline",
    BASELINE_TAU_NETWORKS: "tau_networks of the baseline on the same architectures",
    DELTA_NETWORKS: "tau_networks less baseline_tau_networks",
    DELTA_NETWORKS_LOW: "lower end of the 95 % interval of delta_networks",
    DELTA_NETWORKS_HIGH: "upper end of the same",
    P_NETWORKS: "p-value of delta_networks, before correction",
    P_HOLM_NETWORKS: "p_networks by Holm's correction over the same proxies",
    BEATS_NETWORKS: "as beats, with one vote per network",
    PARTIAL_TAU_NETWORKS: "as partial_tau, with one vote per network",
    PARTIAL_NETWORKS_LOW: "lower end of the 95 % interval of partial_tau_networks",
    PARTIAL_NETWORKS_HIGH: "upper end of the same",
    P_PARTIAL_NETWORKS: "p-value of partial_tau_networks",
    TRUTH_ERROR: "standard error of delta by the noise of the truth; empty where nothing was trained twice",
    TRUTH_ERROR_NETWORKS: "the same of delta_networks",
    SEED_ERROR: "standard error of delta by the proxy's own seeds; empty for one seed",
    SEED_ERROR_NETWORKS: "the same of delta_networks",
    ENUMERATED: "yes where the whole population was evaluated, so that delta is exact for it; otherwise no",
    SMALLEST: "the difference of tau that matters, asked of a verdict on a whole population",
    N_FAMILY: "number of proxies in Holm's correction of p, those that have a p; 0 for a baseline",
    N_FAMILY_NETWORKS: "the same of p_networks",
    DECLARED: "yes where the hypothesis was declared beforehand, so that the uncorrected p decides; otherwise no",
    PARTIAL_TAU: "partial Kendall correlation of score and truth given the baseline, from -1 to 1",
    PARTIAL_LOW: "lower end of the 95 % interval of partial_tau",
    PARTIAL_HIGH: "upper end of the same",
    P_PARTIAL: "p-value of partial_tau",
    WEIGHTED_TAU: "Kendall's tau weighted towards the best architectures, from -1 to 1",
    TAU_UPPER_HALF: "tau-b of the architectures whose truth is not below its median",
    TAU_TOP_DECILE: "tau-b of the architectures whose truth is not below its .9 quantile",
    **{f"top{k}_overlap": f"expected share of the {k} best by score that are among the {k} best by truth" for k in TOP},
    **{
        f"top{k}_regret": f"best truth less the expected best truth of the {k} best by score, in the unit of the truth"
        for k in TOP
    },
    N_FIRST: "architectures that share the best score",
    **{
        f"precision{k}": f"precision@{k}: expected share of the {k} best by score in the best tenth by truth"
        for k in PRECISION_AT
    },
    **{
        f"ndcg{k}": (
            f"nDCG@{k}, from 0 to 1: gain 2^accuracy - 1 (accuracy in percent), discount 1 / log2(1 + place), over "
            "that of the best order, as in VKDNW (arXiv:2502.04975); empty for a truth that is no accuracy in percent"
        )
        for k in NDCG_AT
    },
    **{
        f"{name}{NETWORKS}": f"{name} with one vote per network: the top k is the architectures that weigh k together"
        for name in FOUND
    },
    f"{N_FIRST}{NETWORKS}": "networks that share the best score: the weight of the architectures that do",
    **{
        f"{name}{NETWORKS}": f"{name} with one vote per network"
        for name in (WEIGHTED_TAU, TAU_UPPER_HALF, TAU_TOP_DECILE)
    },
    **{
        f"tau_equal_{cost}": (
            f"agreement at equal cost: tau-b over the pairs of architectures within 10 % of each other in {count}; "
            "above 50 million such pairs over 2 million drawn at random"
        )
        for cost, count in COSTS.items()
    },
    **{f"tau_equal_{cost}{NETWORKS}": "the same with one vote per network" for cost in COSTS},
    **{f"n_pairs_equal_{cost}": f"pairs of architectures within 10 % of each other in {cost}" for cost in COSTS},
    N_SEEDS: "number of seeds",
    TAU_MEAN: "mean of tau over the seeds",
    TAU_SEED_SD: "standard deviation of tau over the seeds",
    TAU_SEED_LOW: "smallest tau of a seed",
    TAU_SEED_HIGH: "largest tau of a seed",
    TAU_ARCH_SE: "standard error of tau over architectures: mean width of its generalisation intervals over 3.92",
    TAU_BETWEEN_SEEDS: "tau-b of the scores of two seeds, mean over pairs",
    REFERENCE_COLUMN: "the truth column that is compared",
    EPOCHS: "training epochs of that column",
    BETWEEN: "what was trained twice: class (two architectures of each), architecture (a partner for each) or seeds",
    "tau_sd": "standard deviation of tau over random draws; 0 where nothing is drawn",
    ARCH: "the architecture, as the benchmark writes it",
    INDEX: "its place in the benchmark's official order, from 0",
}


def read_agreement(path: Path) -> pd.DataFrame:
    """The rows of an `agreement.csv` of this or an older version, in the order of `AGREEMENT`.

    Numbers that the file does not have yet are NaN, texts what they were then; columns that a newer version added stay,
    at the end.

    Raises:
        MissingDataError: there is no such file.
        CorruptDataError: the file is not a table, or lacks columns that every version has.
    """
    # An empty text is an empty text ("no options") and a proxy may be called "null": only numbers can be missing.
    missing = {name: ["", "nan", "NaN"] for name in MEASURED + APPENDED + OF_NETWORKS + COVERAGE}
    texts = dict.fromkeys(SUBJECT + APPENDED_TEXT, str)
    try:
        table = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=missing)
    except FileNotFoundError:
        raise MissingDataError(
            f"There is no agreement table at {path}. An evaluation writes one into its out=."
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, ValueError) as error:
        raise CorruptDataError(
            f"{path} is not an agreement table: {str(error).strip()}. Run the evaluation again."
        ) from error
    lacking = [name for name in SUBJECT + MEASURED if name not in table.columns]
    if lacking:
        raise CorruptDataError(
            f"{path} is not an agreement table: it lacks the columns {', '.join(lacking)}. Run the evaluation again."
        )
    return in_order(_from_cells(table))


def read_verdicts(path: Path) -> pd.DataFrame:
    """The rows of a `verdict.csv` of this or an older version; none where there is no such file.

    Numbers that the file does not have yet are NaN, texts empty; the population of an older file is the whole space.

    Raises:
        CorruptDataError: the file is not a table of verdicts.
    """
    if not path.is_file():
        return pd.DataFrame(columns=list(VERDICT))
    always = (*SUBJECT, BASELINE, BEATS)
    text = dict.fromkeys((*always, *VERDICT_TEXT), str)
    numbers = [name for name in VERDICT if name not in (*text, COMPONENTS)]
    missing = {name: ["", "nan", "NaN"] for name in numbers}
    try:
        table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=missing)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, ValueError) as error:
        raise CorruptDataError(
            f"{path} is not a table of verdicts: {str(error).strip()}. Run the evaluation again."
        ) from error
    lacking = [name for name in (*always, DELTA) if name not in table.columns]
    if lacking:
        raise CorruptDataError(
            f"{path} is not a table of verdicts: it lacks {', '.join(lacking)}. Run the evaluation again."
        )
    before = dict.fromkeys(VERDICT_TEXT, "") | {POPULATION: "all"} | dict.fromkeys(VERDICT_NUMBERS, np.nan)
    return _from_cells(table.assign(**{name: value for name, value in before.items() if name not in table.columns}))


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the columns of `AGREEMENT` first and in order; what it lacks is as `read_agreement` says."""
    ordered = table.reindex(columns=[*AGREEMENT, *_others(table, AGREEMENT)], fill_value=np.nan)
    return ordered.assign(**{name: text for name, text in _TEXT_BEFORE.items() if name not in table.columns})


def proxy_columns(scores: pd.DataFrame) -> list[str]:
    """Names of the proxies in a table of scores, in its order."""
    return _others(scores, (BENCH, DATASET, *SCORES))


def to_cell(text: str) -> str:
    """A text for a cell of CSV."""
    return f"'{text}" if _FORMULA.match(text) and not _HARMLESS.fullmatch(text) else text


def from_cell(text: str) -> str:
    """The text that `to_cell` made a cell of."""
    return text[1:] if _ESCAPED.match(text) else text


def _from_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the texts that `to_cell` made cells of."""
    texts = [name for name in (*SUBJECT, BASELINE, COMPONENTS, POPULATION) if name in table.columns]
    return table.assign(
        **{name: [from_cell(cell) if isinstance(cell, str) else cell for cell in table[name]] for name in texts}
    )


def _others(table: pd.DataFrame, known: Sequence[str]) -> list[str]:
    return [str(name) for name in table.columns if name not in known]
