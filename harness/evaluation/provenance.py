"""Provenance: what a result came from, for run.json and the report's last section."""

import dataclasses
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.evaluation.evaluation_set import EvaluationSet, Skipped
from harness.report import JSON
from harness.scoring import ScoringRun
from harness.settings import Settings

_PACKAGES = ("nas-proxy-harness", "torch", "numpy", "scipy", "pandas", "hydra-core")


def describe_run(
    settings: Settings,
    evaluation_sets: Sequence[EvaluationSet],
    runs: Sequence[ScoringRun],
    skipped: Sequence[Skipped],
    *,
    module: str | None = None,
) -> dict[str, JSON]:
    """Command (`python -m MODULE`), settings, versions, truth and inputs with their sha256, git commit and device.

    `module` is by default the one of this package that was run.
    """
    process = describe_process(module or _running_module())
    return {
        "command": process["command"],
        "date": process["date"],
        "config": {field.name: _plain(getattr(settings, field.name)) for field in dataclasses.fields(settings)},
        "space_versions": {evaluated.space.name: evaluated.space.version for evaluated in evaluation_sets},
        "truth": {"/".join(evaluated.name): _plain(evaluated.truth) for evaluated in evaluation_sets},
        "population": {
            "/".join(evaluated.name): f"{evaluated.population.name}: {evaluated.population.words}"
            for evaluated in evaluation_sets
        },
        "inputs": {
            f"{run.context.bench}/{run.context.data_set}/seed{run.context.seed}": {
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


def describe_process(module: str) -> dict[str, JSON]:
    """The command that runs `module`, the time, and with which machine, versions and commit."""
    return {
        "command": shlex.join(["python", "-m", module, *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.processor() or platform.machine(),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        "git_commit": git_commit(),
    }


def _running_module() -> str:
    """The module of this package that was run by `python -m`; `harness` where it was none."""
    specification = getattr(sys.modules["__main__"], "__spec__", None)
    name = specification.name.removesuffix(".__main__") if specification else ""
    return name if name.split(".")[0] == "harness" else "harness"


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
