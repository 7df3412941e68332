"""The finished truth as one small table: every architecture in official order with its class's accuracies."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.inputs.digits import DIGITS
from benchmarks.nats_tss.digits.fit import SPACE
from benchmarks.nats_tss.digits.outcomes import OutcomeFolder
from benchmarks.nats_tss.digits.recipe import Recipe
from harness.errors import MissingDataError
from harness.truth.table import TruthColumn, TruthTable, write_table

EMBEDDED_TRUTH = Path(__file__).with_name("truth.parquet")
_SOURCE = "this project, python -m benchmarks.nats_tss.digits.train"


def collect(folder: Path, target: Path, recipe: Recipe) -> None:
    """Write the columns `test`, the mean over the seeds, and `test_seed<seed>`, percent, as a table of truth.

    Its origin is JSON: recipe, software, machine, command, dates and CPU seconds.

    Raises:
        MissingDataError: if cells are missing, saying how many.
    """
    store = OutcomeFolder(folder, recipe)
    provenance, outcomes = store.provenance(), store.read()
    classes = [SPACE.canonical(arch) for arch in SPACE.architectures]
    trained = sorted(set(classes))
    missing = set(trained) - outcomes.keys()
    if missing:
        raise MissingDataError(
            f"{folder} lacks {len(missing):,} of {len(trained):,} networks. Run again without --collect."
        )
    accuracies = np.array([outcomes[arch].test_accuracies for arch in classes])
    measured = json.dumps([(arch, outcomes[arch].test_accuracies) for arch in trained])
    digest = hashlib.sha256(measured.encode()).hexdigest()
    n_seeds = len(recipe.seeds)
    mean = _column("test", f"mean over {n_seeds} seeds", recipe, digest)
    single = [_column(f"test_seed{seed}", f"seed {seed}", recipe, digest) for seed in recipe.seeds]
    provenance |= {
        "n_networks": len(trained),
        "cpu_s": round(sum(outcomes[arch].cpu_s for arch in trained)),
        "collected": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    values = (accuracies.mean(axis=1), *accuracies.T)
    write_table(TruthTable(SPACE.architectures, (mean, *single), values), target, json.dumps(provenance))


def _column(name: str, seeds: str, recipe: Recipe, digest: str) -> TruthColumn:
    n_images = recipe.n_steps * recipe.batch_size
    return TruthColumn(
        name=name,
        dataset=DIGITS.name,
        metric="accuracy",
        unit="%",
        split="test",
        epochs=None,
        seeds=seeds,
        higher_is_better=True,
        source=_SOURCE,
        sha256=digest,
        note=f"{recipe.n_steps} steps of {recipe.batch_size}, {n_images:,} distorted images; small network, see README",
    )
