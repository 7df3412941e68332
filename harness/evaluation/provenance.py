"""Provenance: what a result came from, for run.json and the report's last section."""

import dataclasses
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.cli.invocation import current
from harness.evaluation.evaluation_set import EvaluationSet
from harness.evaluation.pairs import Skipped
from harness.evaluation.restriction import Restriction
from harness.report import JSON
from harness.scoring import ScoringRun
from harness.settings import Settings
from harness.space import SearchSpace

_PACKAGES = ("nas-proxy-harness", "torch", "numpy", "scipy", "pandas", "hydra-core")


@dataclass(frozen=True)
class Asked:
    """What was requested.

    Attributes:
        words: names by setting, as `proxy`, `bench`, `dataset`, `ensemble`; None: the default.
        settings: everything else.
        call: from Python that does the same, said where no command runs; empty: that of `evaluate`.
    """

    words: Mapping[str, Sequence[str] | None]
    settings: Settings
    call: str = ""

    @property
    def config(self) -> dict[str, JSON]:
        """All of it as JSON."""
        own = {field.name: getattr(self.settings, field.name) for field in dataclasses.fields(self.settings)}
        return {name: _plain(value) for name, value in {**self.words, **own}.items()}

    @property
    def command(self) -> str:
        """What does the same again: the command that runs, or the call from Python."""
        running = current()
        if running is not None:
            return running.text
        if self.call:
            return f"Called from Python: {self.call}"
        given = [as_code(list(value)) if value else "None" for name, value in self.words.items() if name != "ensemble"]
        given.append(as_code(self.settings))
        if self.words.get("ensemble"):
            given.append(f"ensemble={as_code(list(self.words['ensemble'] or ()))}")
        return f"Called from Python: evaluate({', '.join(given)})"


def as_code(value: object) -> str:
    """A value as Python writes it; of a dataclass the fields that differ from their defaults."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        usual = type(value)()
        given = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        changed = [f"{name}={as_code(one)}" for name, one in given.items() if one != getattr(usual, name)]
        return f"{type(value).__name__}({', '.join(changed)})"
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, Path):
        return f"Path({str(value)!r})"
    if isinstance(value, tuple):
        return f"({', '.join(map(as_code, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {as_code(one)}" for name, one in value.items()) + "}"
    return repr(value)


def describe_run(
    asked: Asked,
    evaluation_sets: Sequence[EvaluationSet],
    runs: Sequence[ScoringRun],
    skipped: Sequence[Skipped],
) -> dict[str, JSON]:
    """Command, everything asked, versions, truth and inputs with their sha256, git commit and device."""
    process, settings = describe_process(asked.command), asked.settings
    return {
        "command": process["command"],
        "date": process["date"],
        "config": asked.config,
        "space_versions": {evaluated.space.name: version_of(evaluated.space) for evaluated in evaluation_sets},
        "truth": {"/".join(evaluated.name): _plain(evaluated.truth) for evaluated in evaluation_sets},
        "population": {
            "/".join(evaluated.name): f"{evaluated.population.name}: {evaluated.population.words}"
            for evaluated in evaluation_sets
        },
        **restriction_record([evaluated.population.restriction for evaluated in evaluation_sets]),
        "inputs": {
            f"{run.context.space.name}/{run.context.data_set}/seed{run.context.seed}": {
                "kind": run.batches.kind.value,
                "source": run.batches.source,
                "sha256": run.batches.sha256,
            }
            for run in runs
            if run.batches is not None
        },
        "n_architectures": {"/".join(evaluated.name): len(evaluated.archs) for evaluated in evaluation_sets},
        "skipped": {f"{skip.bench}/{skip.data_set}": skip.reason for skip in skipped},
        "device": f"{settings.device}, {settings.n_workers} workers, {platform.processor() or platform.machine()}",
        "versions": process["versions"],
        "git_commit": process["git_commit"],
    }


def restriction_record(restrictions: Sequence[Restriction | None]) -> dict[str, JSON]:
    """The restriction that a run had, the same for all its pairs, under the key `restriction`; nothing without one."""
    found = next((one for one in restrictions if one is not None), None)
    return {} if found is None else {"restriction": _plain(found.record)}


def version_of(space: SearchSpace) -> JSON:
    """A space's version; of the user's own networks the sha256 of their files."""
    _, _, found = space.key.rpartition("@")
    return int(found) if found.isdecimal() else found


def describe_process(command: str) -> dict[str, JSON]:
    """A command, the time, and with which machine, versions and commit it runs."""
    return {
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.processor() or platform.machine(),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        "git_commit": git_commit(),
    }


def git_commit() -> str:
    """The commit of the checkout that runs, with `+changes` if files differ from it; empty for an installed wheel."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return ""
    commit, changes = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain")
    return commit + ("+changes" if commit and changes else "")


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _plain(value: object) -> JSON:
    """Dataclasses, enums and paths as JSON values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, Sequence):
        return [_plain(entry) for entry in value]
    return str(value)
