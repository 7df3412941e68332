"""timm's tables of ImageNet results: every number is in the truth, altered files are refused."""

import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.timm_zoo import SOURCE
from benchmarks.timm_zoo.truth import convert_timm
from harness.errors import CorruptDataError
from harness.evaluation import analysis
from harness.evaluation.evaluation_set import default_truth, open_evaluation_set
from harness.inputs import DATA_SETS
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.truth import Truth
from harness.truth.sources import fetch

SPACE, IMAGENET = BENCHMARKS.get("timm"), DATA_SETS.get("imagenet")
ORACLE = {
    "val_top1": "top1", "val_top5": "top5", "val_top1_real": "top1_real", "test_top1_v2": "top1_v2",
}  # fmt: skip


@pytest.fixture(scope="module")
def home(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("timm-home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HARNESS_MIRROR", str(mirror))
        assert fetch(SOURCE, folder)
    return folder


@pytest.mark.parametrize("column", ORACLE)
def test_all_1556_results_are_those_of_the_joined_table(column, home, truth_oracle):
    with np.load(truth_oracle / "timm_imagenet.npz", allow_pickle=False) as oracle:
        archs = [f"{model.decode()}@{size}" for model, size in zip(oracle["model"], oracle["img_size"], strict=True)]
        expected = oracle[ORACLE[column]]
    assert archs == list(SPACE.architectures)
    found = Truth.open("timm", home).values(archs, "imagenet", column)
    assert (np.abs(found - expected) < 1e-5).sum() == 1_556


def test_the_default_is_the_validation_accuracy_and_opens_in_half_a_second(home):
    began = time.perf_counter()
    truth = Truth.open("timm", home)
    values = truth.values(SPACE.architectures, "imagenet", default_truth(truth, SPACE, IMAGENET))
    assert time.perf_counter() - began < 0.5
    assert (values.max(), values.min()) == (90.056, 40.982)
    assert list(values) == sorted(values, reverse=True)  # the official order


def test_equal_networks_of_other_recipes_are_no_repetition_of_a_training(home, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(home))
    evaluated = open_evaluation_set(SPACE, IMAGENET, Settings(sample="all"), None)
    assert (evaluated.population.name, len(evaluated.archs)) == ("models", 807)
    assert len(set(evaluated.classes)) < 700  # networks that several recipes have trained
    pairs = len(evaluated.retrained) - len(set(evaluated.retrained))
    assert sum(one.n for one in analysis.reliability(evaluated)) <= 2 * pairs < 20


def altered(mirror: Path, folder: Path, number: int, change) -> list[Path]:
    paths = [mirror / file.key for file in SOURCE.files]
    written = folder / paths[number].name
    written.write_text("\n".join(change(paths[number].read_text().splitlines())) + "\n")
    return [written if at == number else path for at, path in enumerate(paths)]


@pytest.mark.parametrize(
    ("number", "change", "sentence"),
    [
        (0, lambda lines: lines[:700], r"does not list the 1,556 results of timm: it has 699 rows, 699 of them known"),
        (0, lambda lines: [lines[0], *lines[:0:-1]], r"does not list the 1,556 results of timm: it has 1,556 rows"),
        (1, lambda lines: [*lines, lines[5]], r"does not list the 1,556 results of timm: it has 1,557 rows"),
        (2, lambda lines: [*lines[:-1], lines[-1].replace("test_", "other_")], r"1,556 rows, 1,555 of them known"),
        (0, lambda lines: [line.replace("90.056", "190.056") for line in lines], r"448 no accuracy between 0 and 100"),
        (0, lambda lines: [line.replace("90.056", "nan") for line in lines], r"448 no accuracy between 0 and 100"),
        (
            0,
            lambda lines: [line.replace("90.056", "good") for line in lines],
            r"is not a CSV file with the columns model",
        ),
        (1, lambda lines: [lines[0].replace("top1,", "top,"), *lines[1:]], r"is not a CSV file with the columns model"),
    ],
)
def test_altered_tables_are_refused(mirror, tmp_path, number, change, sentence):
    with pytest.raises(CorruptDataError, match=sentence):
        convert_timm(altered(mirror, tmp_path, number, change))
