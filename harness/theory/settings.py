"""Settings of `python -m harness.theory`; conf/theory.yaml documents them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from harness.errors import OptionError
from harness.registry import unknown_name

FIGURES = ("linear", "mlp", "random_mlps")
"""Figures 1, 2 and 5 of the paper, which `experiment=all` reproduces."""
EXPERIMENTS = (*FIGURES, "training", "coverage", "validation", "shrinking")
ALL = "all"
HANDWRITING = ("mnist", "digits")
USUAL_SCORES = Path("results/scores")
MOST_IMAGES, MOST_DRAWS = 10_000_000, 1_000_000


@dataclass(frozen=True)
class LinearSettings:
    """Figure 1: a linear model after one update; `learning_rate` None is 1 / n_images, where Equation 6 holds."""

    n_images: int = 1_000
    n_draws: int = 1_000
    weight_std: float = 1.0
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        _require_positive("linear", self, "n_images", "n_draws", "weight_std")
        if self.learning_rate is not None:
            _require_positive("linear", self, "learning_rate")


@dataclass(frozen=True)
class MlpSettings:
    """Figure 2: two-layer networks of given widths after one epoch; one figure per learning rate."""

    widths: tuple[int, ...] = (32, 128)
    n_draws: int = 100
    batch_sizes: tuple[int, ...] = (64, 128, 256)
    learning_rates: tuple[float, ...] = (1e-8, 0.1)
    n_training: int = 3_000
    n_test: int = 1_000

    def __post_init__(self) -> None:
        _require_positive("mlp", self, "widths", "n_draws", "batch_sizes", "learning_rates", "n_training", "n_test")


@dataclass(frozen=True)
class RandomMlpsSettings:
    """Figure 5: networks of random width, and of a random scale of the initial weights, after one epoch."""

    n_networks: int = 500
    widths: tuple[int, ...] = (8, 256)
    weight_scales: tuple[float, ...] = (1.0, 1.0)
    batch_sizes: tuple[int, ...] = (64, 128, 256)
    learning_rate: float = 1e-8
    n_training: int = 3_000
    n_test: int = 1_000

    def __post_init__(self) -> None:
        names = ("n_networks", "widths", "weight_scales", "batch_sizes", "learning_rate", "n_training", "n_test")
        _require_positive("random_mlps", self, *names)
        for name in ("widths", "weight_scales"):
            ends = getattr(self, name)
            if len(ends) != 2 or ends[0] > ends[1]:
                raise OptionError(f"random_mlps.{name}={list(ends)} is invalid: it must be two ends, [LOW,HIGH].")


@dataclass(frozen=True)
class TrainingSettings:
    """The study of NATS-TSS cells: SGD at a constant rate with Nesterov momentum; losses are measured after `steps`."""

    sample: int = 50
    steps: tuple[int, ...] = (4, 16)
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    n_measured: int = 256

    def __post_init__(self) -> None:
        _require_positive("training", self, "sample", "steps", "batch_size", "learning_rate", "n_measured")
        if not 0 <= self.momentum < 1 or self.weight_decay < 0:
            raise OptionError(
                f"training.momentum={self.momentum}, training.weight_decay={self.weight_decay} is invalid: momentum "
                "must lie in [0, 1) and weight decay must be 0 or more."
            )
        if list(self.steps) != sorted(set(self.steps)):
            raise OptionError(f"training.steps={list(self.steps)} is invalid: it must ascend.")
        if self.n_measured % self.batch_size or self.n_measured > self.batch_size * self.steps[-1]:
            raise OptionError(
                f"training.n_measured={self.n_measured} is invalid: the loss is measured on whole batches of the "
                f"training, so it must be {self.batch_size} times 1 to {self.steps[-1]}."
            )


@dataclass(frozen=True)
class CoverageSettings:
    """The study of intervals: how often they cover, on samples and redrawn spaces of NATS-TSS, `dataset`, `truth`."""

    proxies: tuple[str, ...] = ("zico", "naswot", "meco_opt", "logsynflow")
    baselines: tuple[str, ...] = ("params", "flops_live")
    samples: tuple[int, ...] = (100, 1_000)
    n_samples: tuple[int, ...] = (1_500, 1_000)
    n_bootstraps: tuple[int, ...] = (200, 400)
    n_spaces: int = 500
    dataset: str = "cifar10"
    truth: str = "test200"
    scores: Path = USUAL_SCORES

    def __post_init__(self) -> None:
        _require_positive("coverage", self, "samples", "n_samples", "n_bootstraps", "n_spaces")
        if not self.proxies or not self.baselines:
            raise OptionError("coverage.proxies and coverage.baselines need a name each: [zico] and [params].")
        shared = set(self.proxies) & set(self.baselines)
        if shared:
            raise OptionError(
                f"coverage.proxies={','.join(self.proxies)} is invalid: {', '.join(sorted(shared))} cannot be compared "
                "with itself; leave it out of coverage.baselines."
            )
        for name in ("n_samples", "n_bootstraps"):
            if len(getattr(self, name)) != len(self.samples):
                raise OptionError(
                    f"coverage.{name}={list(getattr(self, name))} is invalid: it must be {len(self.samples)} numbers, "
                    "one for each size of coverage.samples."
                )
        if min(self.samples) < 2:
            raise OptionError(f"coverage.samples={list(self.samples)} is invalid: a sample needs at least 2 cells.")


@dataclass(frozen=True)
class ValidationSettings:
    """The study of validation sizes; on the command line its settings belong to no group and are called as in `KEYS`.

    Raises:
        OptionError: for an invalid value; the message says what is valid.
    """

    KEYS: ClassVar[dict[str, str]] = {"benches": "bench", "data_sets": "dataset", "proxies": "proxy", "shortlists": "k"}

    benches: tuple[str, ...] = ("nats_tss",)
    data_sets: tuple[str, ...] = ("cifar10", "cifar100", "ImageNet16-120")
    truth: str | None = None
    sizes: tuple[int, ...] = (100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000)
    correlation: tuple[float, ...] = (0.0,)
    draws: int = 300
    wanted: tuple[float, ...] = (1.0, 0.5, 0.2)
    proxies: tuple[str, ...] = ("params", "flops_live", "zico", "naswot", "synflow", "meco_opt")
    shorter: tuple[str, ...] | None = None
    shortlists: tuple[int, ...] = (10, 100, 1_000)
    scores: tuple[Path, ...] = (USUAL_SCORES,)

    def __post_init__(self) -> None:
        for name, most in (("sizes", MOST_IMAGES), ("shortlists", MOST_IMAGES), ("wanted", 100)):
            key, values = self.KEYS.get(name, name), list(getattr(self, name))
            if not all(0 < value <= most for value in values):
                raise OptionError(f"{key}={values} is invalid: it must be above 0 and at most {most:,}.")
        if list(self.sizes) != sorted(set(self.sizes)):
            raise OptionError(f"sizes={list(self.sizes)} is invalid: it must ascend.")
        if not all(0 <= value < 1 for value in self.correlation):
            raise OptionError(f"correlation={list(self.correlation)} is invalid: it must be 0 or more and below 1.")
        if not 2 <= self.draws <= MOST_DRAWS:
            raise OptionError(f"draws={self.draws} is invalid: it must be 2 to {MOST_DRAWS:,}.")


@dataclass(frozen=True)
class ShrinkingSettings:
    """The study of greedy edge removal: `n_starts` None are all starts, `k` the edges tried per step."""

    bench: str = "nats_tss"
    dataset: str = "cifar10"
    truth: str | None = None
    n_starts: int | None = None
    k: tuple[int, ...] = (10, 3)
    weight: float = 0.1

    def __post_init__(self) -> None:
        _require_positive("shrinking", self, "k")
        if self.n_starts is not None:
            _require_positive("shrinking", self, "n_starts")
        if self.weight < 0:
            raise OptionError(f"shrinking.weight={self.weight:g} is invalid: it must be 0 or more.")


@dataclass(frozen=True)
class TheorySettings:
    """All settings of `python -m harness.theory`.

    Raises:
        OptionError: for an invalid value; the message says what is valid; so do the groups.
    """

    experiment: str = ALL
    data: str | None = None
    seed: int = 0
    out: Path | None = None
    store: Path = Path("results/scores.sqlite")
    workers: int | None = None
    resume: bool = True
    linear: LinearSettings = field(default_factory=LinearSettings)
    mlp: MlpSettings = field(default_factory=MlpSettings)
    random_mlps: RandomMlpsSettings = field(default_factory=RandomMlpsSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    coverage: CoverageSettings = field(default_factory=CoverageSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    shrinking: ShrinkingSettings = field(default_factory=ShrinkingSettings)

    def __post_init__(self) -> None:
        if self.experiment not in (*EXPERIMENTS, ALL):
            raise OptionError(unknown_name("experiment", self.experiment, [*EXPERIMENTS, ALL]))
        if self.data is not None and self.data not in HANDWRITING:
            raise OptionError(unknown_name("value of data", self.data, list(HANDWRITING)))
        if self.seed < 0:
            raise OptionError(f"seed={self.seed} is invalid: it must be 0 or more.")
        if self.workers is not None and self.workers < 1:
            raise OptionError(f"workers={self.workers} is invalid: it must be at least 1.")

    @property
    def experiments(self) -> tuple[str, ...]:
        """The experiments to run, in order."""
        return FIGURES if self.experiment == ALL else (self.experiment,)


def _require_positive(group: str, settings: object, *names: str) -> None:
    for name in names:
        value = getattr(settings, name)
        values = list(value) if isinstance(value, tuple) else [value]
        if not values or not all(number > 0 for number in values):
            raise OptionError(f"{group}.{name}={value} is invalid: it must be above 0.")
