"""What a record holds: one proxy on one benchmark, data set and population, with all that its numbers depend on.

A record is data. Nothing in it is run unless somebody says so, and nothing in it is believed: `verifying` computes its
statistics again.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path

from harness.errors import OptionError
from harness.inputs import InputKind
from harness.protocol import Protocol
from harness.records.measured import Statistics

FORMAT = 1
"""The version of records that is written; every earlier one is read."""

SEED = "seed"
"""What the name of a column of scores begins with, its seed after it."""

NO_SEED = "none"
"""The seed of a proxy that uses none."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_SEED = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ID_LENGTH = 12


class Origin(Enum):
    """Where a proxy's code is."""

    built_in = "built-in"
    """In the harness: its version says what it computes."""
    package = "package"
    """In an installed package, named with its version; `sha256` is that of its file."""
    file = "file"
    """In the record's own proxy.py."""
    function = "function"
    """A function of its authors' code, which is not part of the record."""
    elsewhere = "elsewhere"
    """Unknown: the scores were computed elsewhere (scores=), and nobody here can compute them again."""


@dataclass(frozen=True)
class ProxyOf:
    """The proxy, and the digest of its file where it is not the harness's own."""

    name: str
    version: str
    origin: Origin
    options: Mapping[str, object] = field(default_factory=dict)
    sha256: str | None = None
    package: str | None = None
    package_version: str | None = None

    def __post_init__(self) -> None:
        _check_name("proxy.name", self.name)
        _check_digest("proxy.sha256", self.sha256)
        if self.origin in (Origin.file, Origin.function, Origin.package) and self.sha256 is None:
            raise OptionError(f"proxy.sha256 is missing; a proxy of origin {self.origin.value} has one.")


@dataclass(frozen=True)
class PopulationOf:
    """The architectures that the record is about: a population that the benchmark names, with its size."""

    name: str
    n: int


@dataclass(frozen=True)
class TruthOf:
    """The column of ground truth and the digest of the table that it is from."""

    name: str
    sha256: str
    source: str
    unit: str | None = None

    def __post_init__(self) -> None:
        _check_digest("truth.sha256", self.sha256)


@dataclass(frozen=True)
class InputsOf:
    """Which images the networks were scored on; `sha256` is that of the batches, by seed."""

    kind: InputKind
    source: str
    sha256: Mapping[str, str]

    def __post_init__(self) -> None:
        for seed, digest in self.sha256.items():
            _check_digest(f"inputs.sha256.{seed}", digest)


@dataclass(frozen=True)
class ScoresOf:
    """The table scores.parquet: digests of its bytes and of its values, number of rows and of scores that are none."""

    sha256: str
    values_sha256: str
    n: int

    def __post_init__(self) -> None:
        _check_digest("scores.sha256", self.sha256)
        _check_digest("scores.values_sha256", self.values_sha256)


@dataclass(frozen=True)
class Cost:
    """CPU seconds per network (null: not timed) and where they were spent."""

    seconds: float | None
    device: str
    machine: str


@dataclass(frozen=True)
class Needs:
    """What the proxy asks for, observed when the record was made; null: unknown."""

    images: bool | None = None
    labels: bool | None = None
    backward: bool | None = None


@dataclass(frozen=True)
class RunOf:
    """What computed the scores: the command, when, with which commit and versions."""

    command: str
    date: str
    versions: Mapping[str, str]
    git_commit: str | None = None


@dataclass(frozen=True)
class Record:
    """One row of the leaderboard.

    Attributes:
        format: version of this layout.
        bench, space_version, data_set: the benchmark, the version that fixes its indices, and the data set.
        protocol: how networks were made and run; null where the proxy does not use it, or it is not known.
        inputs: null where the proxy uses none, or they are not known.
        seeds: of weights and batches; null for a proxy that uses none.
    """

    format: int
    bench: str
    space_version: str
    data_set: str
    population: PopulationOf
    truth: TruthOf
    proxy: ProxyOf
    scores: ScoresOf
    statistics: Statistics
    cost: Cost
    needs: Needs
    run: RunOf
    protocol: Protocol | None = None
    inputs: InputsOf | None = None
    seeds: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("bench", "data_set"):
            _check_name(name, getattr(self, name))
        for seed in self.seeds or ():
            if not _SEED.fullmatch(seed):
                raise OptionError(f"seeds={seed[:40]} is invalid: a seed is a whole number of at most ten digits.")
        if self.seeds is not None and len(set(self.seeds)) != len(self.seeds):
            raise OptionError("seeds is invalid: a seed is there twice.")
        if set(self.statistics.by_seed) != set(self.columns):
            raise OptionError(f"statistics.by_seed is invalid: it must have the seeds {', '.join(self.columns)}.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The seeds, or "none"."""
        return self.seeds or (NO_SEED,)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the scores were computed elsewhere, by code that is not known here."""
        return self.proxy.origin is Origin.elsewhere

    @property
    def identity(self) -> str:
        """Twelve hexadecimal digits of all that was measured, without what came out: the name of the record's folder.

        Two records of one measurement have one folder, so that git shows a conflict; any others have two.
        """
        measured = plain(self)
        kept = {
            name: measured[name]
            for name in ("bench", "space_version", "data_set", "population", "truth", "proxy", "inputs", "seeds")
        }
        kept["protocol"] = None if self.protocol is None else self.protocol.key
        kept["n"] = self.scores.n
        text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]

    @property
    def place(self) -> Path:
        """The record's folder in a folder of records; no part of it can lead out of that."""
        return Path(self.bench, self.data_set, self.proxy.name, self.identity)


def plain(value: object) -> "dict[str, object]":
    """A dataclass of this module as JSON values.

    Raises:
        OptionError: for a number that is not finite.
    """
    made = _plain(asdict(value))  # type: ignore[call-overload]
    assert isinstance(made, dict)
    return made


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        raise OptionError(f"{value} is no number that a record can hold.")
    return value


def _check_name(field_name: str, name: str) -> None:
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise OptionError(
            f"{field_name}={name.encode('ascii', 'backslashreplace').decode()[:80]} is invalid: it must be 1 to 64 "
            "letters, digits, '_', '-' and '.', and begin with a letter, a digit or '_'."
        )


def _check_digest(field_name: str, digest: str | None) -> None:
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise OptionError(f"{field_name}={digest[:80]} is invalid: it must be a sha256 of 64 hexadecimal digits.")
