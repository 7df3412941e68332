"""Settings of an evaluation: what a user may choose besides proxies, benchmarks and data sets."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import joblib
import torch

from harness.errors import OptionError
from harness.figure_options import FigureFormat, FigureOptions, FigureStyle
from harness.inputs import DataOptions, InputKind
from harness.placement import EngineSettings, Shard, read_shard
from harness.protocol import Protocol

DEFAULT_SAMPLE = 1000
ALL = "all"
AGAINST = ("params", "flops_live", "n_convs_live", "depth", "sum_log_layer_size")
"""The counts that a proxy is compared with unless others are named."""
SMALLEST = 0.01
"""A smaller difference of tau, where nothing was sampled, matters to nobody."""
DEFAULT_STORE = Path("results/scores.sqlite")
_MOST = {"seeds": 1_000, "workers": 1_024}  # more are slips of the finger, and would occupy a machine for days


@dataclass(frozen=True)
class Settings:
    """Defaults are those of the command line; see conf/config.yaml for what each one means.

    `sample` is a number, "all", or None for 1,000 architectures (with `scores`: of those in the files, None for all).
    `scores` may be a single path, `engine` the name of one. `inputs` are in order of preference: each data set takes
    the first kind that is here. `population` None is the benchmark's own. `hypothesis` holds words "PROXY:BASELINE".
    `restrict` is a restriction file, which leaves a part of the population.

    Raises:
        OptionError: for invalid values; the message says what is valid.
    """

    sample: int | str | None = None
    sample_seed: int = 0
    seed: int = 0
    seeds: int | None = None
    inputs: tuple[InputKind, ...] = (InputKind.real,)
    population: str | None = None
    restrict: Path | None = None
    against: tuple[str, ...] = AGAINST
    smallest: float = SMALLEST
    hypothesis: tuple[str, ...] | None = None
    truth: str | None = None
    scores: tuple[Path, ...] | None = None
    scores_columns: tuple[str, ...] | None = None
    scores_notation: str | None = None
    loss: str | None = None
    data: DataOptions = field(default_factory=DataOptions)
    protocol: Protocol = field(default_factory=Protocol)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    workers: int | None = None
    engine: EngineSettings = field(default_factory=EngineSettings)
    shard: str | None = None
    budget_s: float | None = None
    dry_run: bool = False
    device: str = "cpu"
    store: Path = DEFAULT_STORE
    out: Path | None = None
    resume: bool = True
    retry: str = "none"
    timeout_per_network: float | None = 600.0
    figures: FigureFormat | None = None
    style: FigureStyle = FigureStyle.paper
    column: str | float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.scores, str | Path):
            object.__setattr__(self, "scores", (Path(self.scores),))
        if isinstance(self.engine, str):
            object.__setattr__(self, "engine", EngineSettings(self.engine))
        elif not isinstance(self.engine, EngineSettings):
            raise OptionError(f"engine={self.engine!r} is invalid: it must be a name or an EngineSettings.")
        for name in ("scores_columns", "scores_notation"):
            if self.scores is None and getattr(self, name) is not None:
                raise OptionError(f"{name}= is about the files of scores=, but there are none; give scores=FILE.")
        if isinstance(self.sample, str) and self.sample != ALL:
            raise OptionError(f"sample={self.sample} is invalid: it must be a number of architectures or all.")
        for name in ("sample", "seeds", "workers"):
            value = getattr(self, name)
            if isinstance(value, int) and value < 1:
                raise OptionError(f"{name}={value} is invalid: it must be at least 1.")
        for name in ("seed", "sample_seed"):
            if getattr(self, name) < 0:
                raise OptionError(f"{name}={getattr(self, name)} is invalid: it must be 0 or more.")
        if not 0 <= self.smallest < 1:
            raise OptionError(f"smallest={self.smallest:g} is invalid: it must be 0 or more and below 1.")
        if not self.against:
            raise OptionError("against=[] is invalid: it must be one baseline or more, such as against=params.")
        limit = self.timeout_per_network
        if limit is not None and not 0 < limit < math.inf:
            raise OptionError(
                f"timeout_per_network={limit:g} is invalid: it must be seconds above 0, or null for no limit."
            )
        if self.retry not in ("none", "failed"):
            raise OptionError(f"retry={self.retry} is invalid: it must be none or failed.")
        if self.budget_s is not None and not 0 < self.budget_s < math.inf:
            raise OptionError(f"budget_s={self.budget_s:g} is invalid: it must be seconds above 0, or null.")
        _ = self.part
        self._check_placement()
        _ = self.hypotheses, self.figure_options
        for name, most in _MOST.items():
            if (getattr(self, name) or 0) > most:
                raise OptionError(f"{name}={getattr(self, name)} is invalid: it must be at most {most:,}.")

    def _check_placement(self) -> None:
        """Check the device where units are computed, as far as that can be known here."""
        if self.engine.is_local:
            check_device(self.device)
            return
        check_engine(self.engine, self.device)
        if self.workers is not None:
            raise OptionError(
                f"workers={self.workers} is invalid with engine={self.engine.name}: there are as many as the cluster "
                "has room for. Omit workers=, or give engine.cpus_per_unit=."
            )

    @property
    def part(self) -> Shard | None:
        """The shard that is to be computed; None: everything.

        Raises:
            OptionError: for one that there is not.
        """
        return None if self.shard is None else read_shard(self.shard)

    @property
    def store_path(self) -> Path:
        """The score store; that of a shard has the shard in its name where none was named."""
        path = self.store.expanduser()
        if self.part is None or self.store != DEFAULT_STORE:
            return path
        return path.with_name(f"{path.stem}-shard{self.part.name}{path.suffix}")

    @property
    def hypotheses(self) -> tuple[tuple[str, str], ...]:
        """(proxy, baseline) of each hypothesis that was declared beforehand.

        Raises:
            OptionError: for one of another form.
        """
        pairs = []
        for word in self.hypothesis or ():
            proxy, colon, baseline = word.partition(":")
            if not (proxy and colon and baseline):
                raise OptionError(
                    f"hypothesis={word} is invalid: it must be PROXY:BASELINE, such as hypothesis=zico:params."
                )
            pairs.append((proxy, baseline))
        return tuple(pairs)

    @property
    def figure_options(self) -> FigureOptions | None:
        """Of figures for a paper or slides; None where none were asked for.

        Raises:
            OptionError: for a width that there is not.
        """
        return None if self.figures is None else FigureOptions(self.figures, self.style, self.column)

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The proxies' seeds: `seed`, or `seeds` of them from `seed` on."""
        return tuple(range(self.seed, self.seed + (self.seeds or 1)))

    @property
    def n_workers(self) -> int:
        """Worker processes: as asked, otherwise one per core."""
        return self.workers or int(joblib.cpu_count())


def check_engine(engine: EngineSettings, device: str) -> None:
    """Nothing, if a cluster's engine is installed and can use the device.

    Raises:
        OptionError: if not.
    """
    if find_spec("ray") is None:
        raise OptionError("engine=ray needs Ray, which is not installed: pip install 'nas-proxy-harness[ray]'.")
    if device not in ("cpu", "cuda"):
        raise OptionError(f"device={device} is invalid with engine={engine.name}: it must be cpu or cuda.")
    if device == "cuda" and not engine.gpus_per_unit:
        raise OptionError("device=cuda with engine=ray needs GPUs for each unit: give engine.gpus_per_unit=0.25.")


def check_device(name: str) -> None:
    """Nothing, if torch has the device here.

    Raises:
        OptionError: if it has not.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise OptionError(f"device={name} is not known; it must be cpu, cuda or cuda:N.") from None
    if device.type == "cuda":
        n_devices = torch.cuda.device_count()
        if (device.index or 0) >= n_devices:
            found = f"{n_devices} CUDA devices" if n_devices else "no CUDA device"
            raise OptionError(f"device={name} is not available: torch finds {found}. Use device=cpu.")
    elif device.type not in ("cpu", "mps"):
        raise OptionError(f"device={name} is not supported; it must be cpu, cuda or cuda:N.")
