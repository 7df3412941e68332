"""Column names of the files that an evaluation writes; `harness.result_tables` reads them.

`agreement.csv` has one row per benchmark, data set, proxy (with its options) and seed; `scores.parquet` one row per
architecture. Names are a contract: new columns are appended, none is renamed.
"""

import re
from typing import Final

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
TEXT_BEFORE: Final = {COMPONENTS: "", POPULATION: "all"}

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

# within.csv: subject, then agreement within one group, or combined over groups (no group); beside a baseline the
# combined difference.
GROUP: Final = "group"
N_GROUPS: Final = "n_groups"
BETWEEN_GROUPS: Final = "between_groups"
WITHIN: Final = (
    *SUBJECT, COMPONENTS, POPULATION, GROUP, N_GROUPS, N, TAU, TAU_LOW, TAU_HIGH, RHO, RHO_LOW, RHO_HIGH,
    BETWEEN_GROUPS, BASELINE, DELTA, DELTA_LOW, DELTA_HIGH, BEATS, P, P_HOLM,
)  # fmt: skip

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


def to_cell(text: str) -> str:
    """A text for a cell of CSV."""
    return f"'{text}" if _FORMULA.match(text) and not _HARMLESS.fullmatch(text) else text


def from_cell(text: str) -> str:
    """The text that `to_cell` made a cell of."""
    return text[1:] if _ESCAPED.match(text) else text
