"""The command `python -m harness.theory`: figures of the paper; studies of training, intervals, validation, edges."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("theory"))

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from harness.cli.invocation import current
from harness.evaluation.provenance import describe_process
from harness.files.out_folder import out_folder
from harness.theory.config import expanded
from harness.theory.config import read_theory as read
from harness.theory.coverage import coverage
from harness.theory.finding import Finding
from harness.theory.images import Collection
from harness.theory.linear import linear
from harness.theory.mlp import mlp, random_mlps
from harness.theory.settings import TheorySettings
from harness.theory.shrinking import shrinking
from harness.theory.training import training
from harness.theory.validation import validation
from harness.theory.write import write_finding

__all__ = ["check_theory", "main", "read", "run"]


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("theory", words)


def run(settings: TheorySettings) -> None:
    """One run.

    Raises:
        HarnessError: for a user's mistake or missing data.
    """
    check_theory(settings)


def check_theory(settings: TheorySettings) -> Path:
    """Run the experiments, write their files and print their trends; returns the folder, which is printed last.

    Raises:
        HarnessError: for a user error or missing data.
    """
    with out_folder(expanded(settings.out), f"theory-{settings.experiment}") as out:
        running = current()
        command = running.text if running is not None else f"Called from Python: check_theory({settings!r})"
        for experiment in settings.experiments:
            started, started_cpu = time.monotonic(), time.process_time()
            finding = _found(settings, experiment, out)
            provenance = describe_process(command) | {
                "seed": settings.seed,
                "images": finding.source,
                "wall_s": round(time.monotonic() - started, 1),
                "cpu_s": round(time.process_time() - started_cpu, 1),
                "config": asdict(getattr(settings, experiment)),
            }
            write_finding(out, finding, provenance)
            print(f"{finding.title}\n  {finding.data.lower()}: {finding.source}")
            for found in finding.trends:
                where = f" ({found.setting})" if found.setting else ""
                low, high = found.rho_interval
                claimed = f"; that it {found.claim.value}: {found.verdict}" if found.claim.value else ""
                print(f"  {found.y} with {found.x}{where}: rho {found.rho:.3f} [{low:.3f}, {high:.3f}]{claimed}")
            if finding.listing is not None:
                print(*(f"  {note}" for note in finding.notes), sep="\n")
    print(out)
    return out


def _found(settings: TheorySettings, experiment: str, out: Path) -> Finding:
    if experiment == "training":
        return training(settings, out)
    if experiment == "coverage":
        return coverage(settings, out)
    if experiment == "validation":
        return validation(settings)
    if experiment == "shrinking":
        return shrinking(settings.shrinking, settings.seed)
    collection = Collection(settings.data, settings.seed)
    if experiment == "linear":
        return linear(settings.linear, collection.training(settings.linear.n_images), settings.seed)
    if experiment == "mlp":
        sets = collection.training(settings.mlp.n_training), collection.test(settings.mlp.n_test)
        return mlp(settings.mlp, *sets, settings.seed)
    chosen = settings.random_mlps
    return random_mlps(chosen, collection.training(chosen.n_training), collection.test(chosen.n_test), settings.seed)
