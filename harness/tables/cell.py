"""One cell of a published table: what was printed, and what is found here."""

from dataclasses import dataclass

from harness.settings import ALL

NAN = float("nan")


@dataclass(frozen=True)
class Cell:
    """One published value and ours.

    Attributes:
        bench, dataset, published_proxy: its position in the table; proxy: ours, with its version.
        coefficient: tau, rho, ndcg or accuracy.
        published, spread: as printed; empty for a reference row.
        ours, low, high: our value and its interval: the generalisation interval for correlations; for an accuracy the
            worst and best of the architectures that tie for first.
        difference: ours minus published; inside: whether the published value, as rounded, lies within the interval.
        n, n_population: architectures looked up (of rows of training: used), and in the population.
        n_first: architectures that tie for first.
        signed: our value before its sign was dropped.
        truth, protocol, inputs, inputs_sha256, seconds: how ours was obtained; seconds are CPU seconds per network.
        missing: why our value is missing, or empty; the command to run if scores are missing.
        population: the architectures that the table is about.
        networks, networks_low, networks_high: a correlation with one vote for each network, and its interval; NaN
            where no network has several names, and for an accuracy.
        n_undefined: of the n, those without a score or ground truth, which are left out.
    """

    bench: str
    dataset: str
    published_proxy: str
    proxy: str
    coefficient: str
    published: str = ""
    spread: str = ""
    ours: float = NAN
    low: float = NAN
    high: float = NAN
    difference: float = NAN
    inside: str = ""
    n: int = 0
    n_population: int = 0
    n_first: int = 0
    signed: float = NAN
    truth: str = ""
    protocol: str = ""
    inputs: str = ""
    inputs_sha256: str = ""
    seconds: float = NAN
    missing: str = ""
    population: str = ALL
    networks: float = NAN
    networks_low: float = NAN
    networks_high: float = NAN
    n_undefined: int = 0
