"""The finished truth as one small Parquet file: every architecture in official order with its class's accuracies."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.nats_tss.digits.fit import SPACE
from benchmarks.nats_tss.digits.outcomes import OutcomeFolder
from benchmarks.nats_tss.digits.recipe import Recipe
from harness.errors import MissingDataError

PROVENANCE_KEY = b"provenance"
"""Key of the schema's metadata whose value is JSON: recipe, software, machine, command, dates, CPU seconds."""


def collect(folder: Path, target: Path, recipe: Recipe) -> None:
    """Write `target`: columns `arch`, `test_accuracy_seed<seed>` ... and `test_accuracy`, their mean; percent.

    Raises:
        MissingDataError: if cells are missing, saying how many.
    """
    store = OutcomeFolder(folder, recipe)
    provenance, outcomes = store.provenance(), store.read()
    classes = [SPACE.canonical(arch) for arch in SPACE.architectures]
    missing = set(classes) - outcomes.keys()
    if missing:
        raise MissingDataError(
            f"{folder} lacks {len(missing):,} of {len(set(classes)):,} networks. Run again without --collect."
        )
    accuracies = np.array([outcomes[arch].test_accuracies for arch in classes])
    columns: dict[str, pa.Array] = {"arch": pa.array(SPACE.architectures, pa.string())}
    for position, seed in enumerate(recipe.seeds):
        columns[f"test_accuracy_seed{seed}"] = pa.array(accuracies[:, position], pa.float32())
    columns["test_accuracy"] = pa.array(accuracies.mean(axis=1), pa.float32())
    provenance |= {
        "n_networks": len(set(classes)),
        "cpu_s": round(sum(outcomes[arch].cpu_s for arch in set(classes))),
        "collected": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    table = pa.table(columns).replace_schema_metadata({PROVENANCE_KEY: json.dumps(provenance)})
    unfinished = target.with_name(f"{target.name}.unfinished")
    pq.write_table(table, unfinished, compression="zstd", compression_level=19)
    unfinished.replace(target)
