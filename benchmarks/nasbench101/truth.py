"""Trained accuracies of NAS-Bench-101: FreeREA's dump of the mean test accuracies after 108 epochs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.inputs.cifar10 import CIFAR10
from benchmarks.nasbench101.catalogue import N_CELLS, Names, catalogue
from benchmarks.nasbench101.frame_pickle import read_frame
from benchmarks.nasbench101.layers import params_of
from harness.errors import CorruptDataError
from harness.files.atomic import sha256_of
from harness.files.downloads import github_file
from harness.truth.sources import TRUTH_SOURCES, TruthSource
from harness.truth.table import TruthColumn, TruthTable

_RELEASE = "NiccoloCavagnero/FreeREA/9c2a726cd3adf526c43ae52a515a8fc5ea927fe7"


def convert_freerea(paths: Sequence[Path]) -> TruthTable:
    """Test accuracies after 108 epochs, in percent.

    The files number their rows and name no architecture. That the rows are in the order of the module hashes follows
    from the published parameter counts, which are compared with those of the space.

    Raises:
        CorruptDataError: if a file is damaged, or its rows are not those of the space.
    """
    accuracies, params = map(read_frame, paths)
    expected = params_of(catalogue().codes, CIFAR10) / 1e6  # the file's unit
    for path, frame, name in ((paths[0], accuracies, "accuracy"), (paths[1], params, "params")):
        if not {"index", name} <= set(frame) or not np.array_equal(frame["index"], np.arange(N_CELLS)):
            raise CorruptDataError(f"{path} does not have rows 0 to {N_CELLS - 1} and a column '{name}'.")
    if not np.allclose(params["params"], expected, rtol=0, atol=1e-7):
        raise CorruptDataError(f"{paths[1]} has other parameter counts than the networks of nasbench101.")
    column = TruthColumn(
        name="test108",
        dataset=CIFAR10.name,
        metric="accuracy",
        unit="%",
        split="test",
        epochs=108,
        seeds="mean of 3 runs",
        higher_is_better=True,
        source=f"NiccoloCavagnero/FreeREA@9c2a726 {paths[0].parent.parent.name}/{paths[0].parent.name}/{paths[0].name}",
        sha256=sha256_of(paths[0]),
    )
    return TruthTable(Names(), (column,), (100 * accuracies["accuracy"],))


FREEREA = TruthSource(
    name="freerea",
    benchmark="nasbench101",
    files=(
        github_file(
            _RELEASE,
            "cached_metrics/nasbench101/cifar10/accuracies.pkl.gz",
            "84bcca117040f6f499e81743baee1ffaa3865f014bc7489fb1833dc06905f55e",
            1_844_769,
        ),
        github_file(
            _RELEASE,
            "cached_metrics/nasbench101/cifar10/params.pkl.gz",
            "1b312e23917a312c6fc6f356e579ba1166870e6671f7cb1c093685a2558a1e6a",
            4_105_386,
        ),
    ),
    licence="MIT",
    convert=convert_freerea,
)

TRUTH_SOURCES.register(FREEREA.key)(FREEREA)
