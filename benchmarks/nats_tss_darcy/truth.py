"""Trained results on Darcy Flow: 1 less the relative L2 error, of HW-NAS-Bench-360. arXiv:2110.05668, Section 3."""

from pathlib import Path

from benchmarks.nats_tss.nb360 import NB360, hardware_columns, trained_column
from benchmarks.nats_tss.nb360_file import CONTENTS, LICENCE, PAGE, read_tasks
from benchmarks.nats_tss_darcy.space import NatsTssDarcy
from harness.files.atomic import sha256_of
from harness.truth.imports import TRUTH_IMPORTS, TruthImport
from harness.truth.table import TruthTable

DARCY = "darcy"
_SCORE_NOTE = "last epoch, on what the release calls its original test set; its loader is not public"
_OTHER_NETWORK = "of the strided NAS-Bench-201 network at 1 x 88 x 88, not of the trained one"


def convert_darcy(path: Path) -> TruthTable:
    """Scores, and latencies and energies, by official index.

    Raises:
        MissingDataError, CorruptDataError: as `read_tasks`.
    """
    results = read_tasks(path)[DARCY]
    sha256 = sha256_of(path)
    score = trained_column(DARCY, path, sha256, metric=("1 - relative L2 error", "fraction"), note=_SCORE_NOTE)
    columns = [(score, results.accuracies), *hardware_columns(DARCY, results, path, sha256, _OTHER_NETWORK)]
    return TruthTable(
        NatsTssDarcy().architectures, tuple(column for column, _ in columns), tuple(values for _, values in columns)
    )


DARCY_FLOW = TruthImport(
    name="nb360_darcy",
    benchmark="nats_tss_darcy",
    data_sets=(DARCY,),
    contents=CONTENTS,
    page=PAGE,
    licence=LICENCE,
    convert=convert_darcy,
    part_of=NB360.name,
    only_source_of=(DARCY,),
)

TRUTH_IMPORTS.register(DARCY_FLOW.name)(DARCY_FLOW)
