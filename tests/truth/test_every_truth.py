"""The truth of every benchmark: there for each architecture, with published maxima, equal to the joined tables."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from harness.evaluation.evaluation_set import default_truth
from harness.inputs import DATA_SETS
from harness.space import BENCHMARKS
from harness.truth import Truth, embedded_tables
from harness.truth.imports import imports_of
from harness.truth.sources import sources_of
from harness.truth.table import PERCENT_DECIMALS

PAIRS = [(name, data_set) for name in BENCHMARKS for data_set in BENCHMARKS.get(name).data_sets]

# What is known of a benchmark's truth: `best` in known/<name>.json, in the form of the constant below.
FOLDER = Path(__file__).parents[1] / "space/known"
KNOWN = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}


@dataclass(frozen=True)
class Best:
    """A published maximum of a truth column, to the digits that were published; `oracle` names the joined table's."""

    bench: str
    data_set: str
    column: str
    value: str
    oracle: str | None

    def __str__(self) -> str:
        return f"{self.bench}-{self.data_set}-{self.column}"


def of_tasks(bench: str, values: str) -> list[Best]:
    tasks = {
        "class_object": "top1",
        "class_scene": "top1",
        "autoencoder": "ssim",
        "normal": "ssim",
        "segmentsemantic": "mIoU",
        "room_layout": "neg_loss",
        "jigsaw": "top1",
    }
    return [
        Best(bench, task, f"valid_{metric}_best", value, f"{task}__valid_{metric}")
        for (task, metric), value in zip(tasks.items(), values.split(), strict=True)
    ]


BEST = [
    # NATS-Bench, arXiv:2009.00437, and NAS-Bench-201, arXiv:2001.00326: the optimum of the tables
    Best("nats_tss", "cifar10", "test200", "94.37", "test200_c10"),
    Best("nats_tss", "cifar100", "test200", "73.51", "test200_c100"),
    Best("nats_tss", "ImageNet16-120", "test200", "47.31", "test200_in16"),
    Best("nats_tss", "cifar10", "val200", "91.61", "val200_c10"),
    Best("nats_tss", "cifar100", "val200", "73.49", "val200_c100"),
    Best("nats_tss", "ImageNet16-120", "val200", "46.73", "val200_in16"),
    # no maximum is published; that of the table, by an independent reading of it
    Best("nats_tss", "ninapro", "test200", "94.3854", None),
    # README.md of this project's own truth
    Best("nats_tss", "digits", "test", "84.6", None),
    # validation maxima of the public table; no published maximum is of these columns
    Best("nats_sss", "cifar10", "val90", "90.71", "val90_c10"),
    Best("nats_sss", "cifar100", "val90", "70.92", "val90_c100"),
    Best("nats_sss", "ImageNet16-120", "val90", "46.73", "val90_in16"),
    # NAS-Bench-101, arXiv:1902.09635
    Best("nasbench101", "cifar10", "test108", "94.32", "test108_mean"),
    # TransNAS-Bench-101, arXiv:2105.11871: the global best of its tables
    *of_tasks("transnas_micro", "46.32 54.94 .577 .596 26.27 -.594 95.37"),
    *of_tasks("transnas_macro", "47.96 57.48 .769 .644 29.66 -.563 97.02"),
    *(Best(name, *best) for name, known in KNOWN.items() for best in known.get("best", ())),
]


def has_truth(name: str) -> bool:
    return bool(sources_of(name) or embedded_tables(name) or imports_of(name))


def skip_what_is_not_imported(name: str, data_set: str, home: Path) -> None:
    for release in imports_of(name):
        if data_set in release.only_source_of and not release.path(home).is_file():
            pytest.skip(f"{name} on {data_set} has truth where somebody imported {release.contents}")


@pytest.mark.parametrize("best", BEST, ids=str)
def test_the_best_truth_is_the_published_one(best, fetched_home):
    skip_what_is_not_imported(best.bench, best.data_set, fetched_home)
    values = Truth.open(best.bench, fetched_home).values(
        BENCHMARKS.get(best.bench).architectures, best.data_set, best.column
    )
    n_digits = len(best.value.partition(".")[2])
    assert values.max() == pytest.approx(float(best.value), abs=0.5001 * 10**-n_digits)


@pytest.mark.parametrize(("name", "data_set"), PAIRS)
def test_truth_is_there_for_every_architecture_and_a_maximum_is_known(name, data_set, fetched_home):
    if not has_truth(name):
        pytest.skip(f"nothing brings truth of {name}")
    skip_what_is_not_imported(name, data_set, fetched_home)
    space, truth = BENCHMARKS.get(name), Truth.open(name, fetched_home)
    column = default_truth(truth, space, DATA_SETS.get(data_set))
    assert truth.n_known(data_set, column) == len(space.architectures)
    assert (name, data_set, column) in {(best.bench, best.data_set, best.column) for best in BEST}
    described = truth.column(data_set, column)
    assert described.split in ("test", "validation")
    prefix = {"test": "test", "validation": "val"}[described.split]
    assert described.name.startswith(prefix) or described.name == data_set  # a mean over the parts of a data set


@pytest.mark.parametrize("best", [best for best in BEST if best.oracle], ids=str)
def test_truth_follows_the_names_of_the_joined_and_checked_tables(best, fetched_home, truth_oracle):
    with np.load(truth_oracle / f"{best.bench}.npz", allow_pickle=False) as table:
        rows = np.random.default_rng(0).choice(len(table[best.oracle]), 200, replace=False)
        named = table["arch"] if "arch" in table else table["hash_md5"]
        archs = [row.tobytes().hex() if "hash_md5" in table else row.decode() for row in named[rows]]
        truth, wanted = Truth.open(best.bench, fetched_home), table[best.oracle][rows].astype(np.float64)
        values = truth.values(archs, best.data_set, best.column)
    rounded = np.array_equal(values, values.round(PERCENT_DECIMALS))  # on import
    if rounded and truth.column(best.data_set, best.column).unit == "%":
        spacing = float(np.spacing(np.float32(np.abs(wanted).max())))  # of the oracle, which is float32
        np.testing.assert_allclose(values, wanted, rtol=0, atol=0.5 * 10**-PERCENT_DECIMALS + spacing)
    else:
        np.testing.assert_array_equal(values.astype(np.float32), wanted.astype(np.float32))
