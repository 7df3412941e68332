"""Where units are computed: the engine that runs them, and the shard of them that one job of many takes."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from harness.errors import OptionError
from harness.registry import unknown_name

LOCAL, RAY = "local", "ray"
SLURM = "slurm"
_ENGINES = (LOCAL, RAY)
_SHARD = re.compile(r"(-?\d+)/(-?\d+)", re.ASCII)
_ADDRESS = re.compile(r"\[?[\w.:%-]+\]?:\d{1,5}", re.ASCII)
_MOST_SHARDS = 100_000


@dataclass(frozen=True)
class EngineSettings:
    """What computes units: `local` processes, or `ray`, a cluster; the other fields are Ray's, None: its default.

    Attributes:
        name: local or ray.
        address: `auto`, the cluster that this machine belongs to; `local`, one started on this machine for this run;
            or HOST:PORT of its head node.
        cpus_per_unit: CPU cores that a unit occupies; 1 by default.
        gpus_per_unit: GPUs that a unit occupies, a fraction to run several on one; 0 by default.
        max_retries: how many times a unit is started again whose node or process is lost; 3 by default.

    Raises:
        OptionError: for an invalid value, or one that the engine does not have.
    """

    name: str = LOCAL
    address: str | None = None
    cpus_per_unit: float | None = None
    gpus_per_unit: float | None = None
    max_retries: int | None = None

    def __post_init__(self) -> None:
        if self.name not in _ENGINES:
            raise OptionError(unknown_name("engine", self.name, list(_ENGINES)))
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name != "name" and value is not None and self.name == LOCAL:
                raise OptionError(
                    f"engine.{one.name}={value} is invalid: it is only for engine={RAY}; add engine={RAY}."
                )
        if self.address not in (None, "auto", "local") and not _ADDRESS.fullmatch(self.address):
            raise OptionError(
                f"engine.address={self.address} is invalid: it must be auto, local or HOST:PORT of a Ray head node."
            )
        if self.cpus_per_unit is not None and not 0 < self.cpus_per_unit <= 1024:
            raise OptionError(f"engine.cpus_per_unit={self.cpus_per_unit:g} is invalid: it must be above 0.")
        if self.gpus_per_unit is not None and not 0 <= self.gpus_per_unit <= 1024:
            raise OptionError(f"engine.gpus_per_unit={self.gpus_per_unit:g} is invalid: it must be 0 or more.")
        if self.max_retries is not None and not 0 <= self.max_retries <= 1_000:
            raise OptionError(f"engine.max_retries={self.max_retries} is invalid: it must be from 0 to 1,000.")

    @property
    def is_local(self) -> bool:
        """Whether units run on this machine, in processes of this run."""
        return self.name == LOCAL


@dataclass(frozen=True)
class Shard:
    """Part `index` (0, 1, ..., n - 1) of `n`."""

    index: int
    n: int

    @property
    def name(self) -> str:
        """`3of16`, for the names of files."""
        return f"{self.index}of{self.n}"

    def __str__(self) -> str:
        return f"{self.index}/{self.n}"


def read_shard(word: str, environment: Mapping[str, str] | None = None) -> Shard:
    """The shard of `shard=I/N`, or of `shard=slurm` in a task of a SLURM job array.

    A task's shard is its place in the array, SLURM_ARRAY_TASK_ID less SLURM_ARRAY_TASK_MIN in steps of
    SLURM_ARRAY_TASK_STEP, of SLURM_ARRAY_TASK_COUNT; the array must be without gaps.

    Raises:
        OptionError: for one that there is not, or outside a job array.
    """
    if word == SLURM:
        return _of_slurm(os.environ if environment is None else environment)
    found = _SHARD.fullmatch(word)
    if found is None:
        raise OptionError(f"shard={word} is invalid: it must be I/N, as shard=0/16 for the first of 16, or slurm.")
    index, n = int(found[1]), int(found[2])
    if not 1 <= n <= _MOST_SHARDS:
        raise OptionError(f"shard={word} is invalid: there must be 1 to {_MOST_SHARDS:,} shards, as in shard=0/16.")
    if not 0 <= index < n:
        raise OptionError(f"shard={word} is invalid: the shards of {n} are 0/{n} to {n - 1}/{n}.")
    return Shard(index, n)


def _of_slurm(environment: Mapping[str, str]) -> Shard:
    names = [f"SLURM_ARRAY_TASK_{name}" for name in ("ID", "MIN", "COUNT")]
    try:
        task, first, n = (int(environment[name]) for name in names)
        step = int(environment.get("SLURM_ARRAY_TASK_STEP") or 1)
        last = int(environment.get("SLURM_ARRAY_TASK_MAX") or first + step * (n - 1))
    except (KeyError, ValueError):
        raise OptionError(
            f"shard=slurm is for the tasks of a SLURM job array, and {', '.join(names)} are not all set here. Submit "
            "with sbatch --array=0-15, or give shard=I/N."
        ) from None
    index, rest = divmod(task - first, step) if step > 0 else (0, 1)
    is_rest = n == 1 and first > 1  # one task that is submitted again, of an array that began before it
    if rest or is_rest or not 0 <= index < n <= _MOST_SHARDS or last != first + step * (n - 1):
        raise OptionError(
            f"shard=slurm needs a whole array of equal steps, as sbatch --array=0-15; task {task} of {n} from {first} "
            f"to {last} with step {step} is none. For some of its tasks give shard=I/N."
        )
    return Shard(index, n)
