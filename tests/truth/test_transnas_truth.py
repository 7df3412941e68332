import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.transnas import NASGRAPH, OFFICIAL, TransnasMacro
from benchmarks.transnas.metrics import METRICS, SPLITS
from benchmarks.transnas.skeleton import TASKS
from harness.errors import CorruptDataError, MissingDataError
from harness.truth import Truth
from harness.truth.imports import TRUTH_IMPORTS, import_truth
from harness.truth.sources import fetch, sources_of

pytestmark = pytest.mark.long  # imports of files that rarely change

SPACES = ("transnas_micro", "transnas_macro")


@pytest.fixture(scope="module")
def home(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home with these two tables alone: those of other benchmarks take longer to make."""
    home = tmp_path_factory.mktemp("transnas-home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HARNESS_MIRROR", str(mirror))
        for source in NASGRAPH:
            fetch(source, home)
    return home


@pytest.fixture(scope="module", params=SPACES)
def truth(request: pytest.FixtureRequest, home: Path) -> Truth:
    return Truth.open(request.param, home)


@pytest.fixture(scope="module")
def oracle(truth: Truth, truth_oracle: Path) -> Mapping[str, NDArray]:
    with np.load(truth_oracle / f"{truth.benchmark}.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file}


def test_every_column_equals_the_joined_and_checked_table(truth, oracle):
    archs = [arch.decode() for arch in oracle["arch"]]
    compared = 0
    for task in TASKS:
        for column in truth.columns(task):
            values = truth.values(archs, task, column.name)
            expected = oracle[f"{task}__{column.name.removesuffix('_best')}"]
            np.testing.assert_allclose(values, expected, err_msg=column.key, rtol=0, atol=6e-5)
            compared += 1
    # Three splits of top1 and top5 (3 tasks), mIoU and acc, ssim (2 tasks), neg_loss; the time of each task. No loss.
    assert compared == 3 * (3 * 2 + 2 + 2 + 1) + 7
    in_oracle = {name for name in oracle if "__" in name and not name.endswith("_final")}
    assert compared == len(in_oracle)


def test_columns_say_what_the_best_is_of(truth):
    for task, metrics in METRICS.items():
        for split in SPLITS:
            column = truth.column(task, f"{split}_{metrics[0].name}_best")
            assert column.split == SPLITS[split]
            assert "maximum over the training epochs" in column.note
            assert ("chosen on the test images" in column.note) == (split == "test")
            assert column.higher_is_better
        assert not truth.column(task, "time_elapsed").higher_is_better


def test_a_table_with_its_rows_in_another_order_is_refused(tmp_path):
    (source,) = sources_of("transnas_macro")
    names = ("file_id,time_elapsed", *(f"{split}_top{k}" for split in SPLITS for k in (1, 5)))
    text = ",".join(names) + "\n" + "1,0,0,0,0,0,0,0\n"
    paths = [tmp_path / f"{task}.csv" for task in TASKS]
    for path in paths:
        path.write_text(text)
    with pytest.raises(CorruptDataError, match="does not number its rows 0 to 7351"):
        source.convert(paths)
    assert source in NASGRAPH


N_EPOCHS = 3


def official_file(path: Path, changes: Mapping[str, object] | None = None) -> Path:
    """A file of the official structure with the macro space, in which only the first architecture is told apart.

    All curves are 1, 2, 3; the first architecture's validation is best after the second of three epochs.
    """
    names = {task: [f"{split}_{metric.name}" for metric in METRICS[task] for split in SPLITS] for task in TASKS}
    plain = {
        task: {
            "total_epochs": N_EPOCHS,
            "metrics": {name: [1.0, 2.0, 3.0] for name in (*names[task], "time_elapsed")},
            "model_info": {"inference_time": 0.1},
        }
        for task in TASKS
    }
    first = {
        task: plain[task] | {"metrics": plain[task]["metrics"] | {f"valid_{METRICS[task][0].name}": [5.0, 9.0, 7.0]}}
        for task in TASKS
    }
    macro = dict.fromkeys(TransnasMacro().architectures, plain) | {"64-4111-basic": first}
    content = {
        "metrics_dict": {task: [*names[task], "time_elapsed"] for task in TASKS},
        "info_names": ["inference_time"],
        "task_list": list(TASKS),
        "data": {"macro": macro, "micro": {}},
    }
    torch.save(content | dict(changes or {}), path)
    return path


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
def test_the_official_file_is_imported(tmp_path, legacy):
    path = official_file(tmp_path / "transnas-bench_v10141024.pth")
    if legacy:
        content = torch.load(path, weights_only=True)
        torch.save(content, path, _use_new_zipfile_serialization=False)
    import_truth(TRUTH_IMPORTS.get("transnas_macro"), path, tmp_path)
    truth = Truth.open("transnas_macro", tmp_path)
    archs = ["64-4111-basic", "64-2311-basic"]
    found = {
        name: truth.values(archs, "jigsaw", name).tolist()
        for name in ("valid_top1_best", "valid_top1_final", "test_top1_selected", "test_loss_final", "time_elapsed")
    }
    assert found == {
        "valid_top1_best": [9.0, 3.0],
        "valid_top1_final": [7.0, 3.0],
        "test_top1_selected": [2.0, 3.0],  # where validation is best: the second epoch, and the third
        "test_loss_final": [3.0, 3.0],
        "time_elapsed": [3.0, 3.0],
    }
    assert "test_loss_best" not in [column.name for column in truth.columns("jigsaw")]
    assert not truth.column("jigsaw", "test_loss_final").higher_is_better
    assert truth.column("room_layout", "test_neg_loss_selected").note == "at the epoch of the highest valid_neg_loss"


def test_an_incomplete_official_file_is_refused(tmp_path):
    path = official_file(tmp_path / "some.pth")
    with pytest.raises(CorruptDataError, match=r"of all 4,096 architectures of transnas_micro \(KeyError: '64-41414"):
        import_truth(TRUTH_IMPORTS.get("transnas_micro"), path, tmp_path)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    path = official_file(tmp_path / "some.pth", {"extra": re.compile("a")})
    with pytest.raises(CorruptDataError, match=r"some\.pth is not .*refers to more than plain containers"):
        import_truth(TRUTH_IMPORTS.get("transnas_macro"), path, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("content", [b"", b"no pickle at all"])
def test_a_damaged_official_file_is_refused(tmp_path, content):
    path = tmp_path / "some.pth"
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match=r"some\.pth is not the file"):
        import_truth(TRUTH_IMPORTS.get("transnas_macro"), path, tmp_path)


@pytest.mark.long
def test_a_missing_official_file_is_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"none\.pth is not a file; PATH is that of the file transnas-bench"):
        import_truth(TRUTH_IMPORTS.get("transnas_macro"), tmp_path / "none.pth", tmp_path)


def test_both_spaces_are_imported_from_the_same_file():
    assert {release.name for release in OFFICIAL} == set(SPACES)
    assert all(TRUTH_IMPORTS.get(release.name) is release for release in OFFICIAL)
