"""HW-NAS-Bench-360: results and costs equal to the joined table, what counting is worth there."""

import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.nats_tss import NASGRAPH, NB360
from benchmarks.nats_tss.nb360_file import read_tasks, representatives
from benchmarks.nats_tss_darcy import DARCY_FLOW
from benchmarks.truth.csv_columns import read_csv
from harness.agreement.reliability import of_classes
from harness.data.__main__ import main
from harness.data.status import entries
from harness.errors import MissingDataError, OptionError
from harness.evaluation.evaluation_set import default_truth
from harness.evaluation.pairs import pairs
from harness.inputs import DATA_SETS
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.truth import Truth
from harness.truth.table import write_table

pytestmark = pytest.mark.long  # imports of files that rarely change

CELLS, FIELDS = BENCHMARKS.get("nats_tss"), BENCHMARKS.get("nats_tss_darcy")
NINAPRO, DARCY = DATA_SETS.get("ninapro"), DATA_SETS.get("darcy")
PLACES = {"ninapro": CELLS, "cifar100": CELLS, "darcy": FIELDS}
N_CELLS = 15_625


@pytest.fixture(scope="module")
def home(nb360_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nb360-home")
    for release in (NB360, DARCY_FLOW):
        write_table(release.convert(nb360_file), release.path(folder), release.origin)
    return folder


@pytest.fixture(scope="module")
def oracle(truth_oracle: Path) -> dict[str, np.ndarray]:
    with np.load(truth_oracle / "nb360_tss.npz", allow_pickle=False) as table:
        return {name: table[name] for name in table}


@pytest.fixture(scope="module")
def accuracies(home: Path) -> dict[str, np.ndarray]:
    return {
        name: Truth.open(space.name, home).values(space.architectures, name, "test200")
        for name, space in (("ninapro", CELLS), ("darcy", FIELDS))
    }


def tau_rho(counts, values) -> tuple[float, float]:
    return float(stats.kendalltau(counts, values).statistic), float(stats.spearmanr(counts, values).statistic)


def test_every_result_equals_the_joined_table(accuracies, oracle):
    assert [arch.decode() for arch in oracle["arch"]] == list(CELLS.architectures) == list(FIELDS.architectures)
    assert (np.abs(accuracies["ninapro"] - oracle["ninapro_test200"]) < 6e-5).sum() == N_CELLS  # ties are ties
    assert (accuracies["darcy"] == oracle["darcy_score200"]).sum() == N_CELLS


def test_every_latency_and_energy_equals_the_joined_table(home, truth_oracle):
    compared = 0
    with np.load(truth_oracle / "nb360_tss_hardware.npz", allow_pickle=False) as table:
        for name in table:
            metric, device, runtime, task = name.split("_")
            column = f"{device}_{runtime}_{'latency' if metric == 'lat' else metric}"
            truth = Truth.open(PLACES[task].name, home)
            values = truth.values(CELLS.architectures, task, column)
            assert (values.astype(np.float32) == table[name]).sum() == N_CELLS, name
            described = truth.column(task, column)
            assert (described.unit, described.higher_is_better) == ("ms" if metric == "lat" else "mJ", False)
            assert described.split == "none"
            assert ("not of the trained one" in described.note) == (task == "darcy")
            compared += 1
    assert compared == 21


def test_the_order_is_proved_by_the_cifar100_accuracies_of_another_release(nb360_file, mirror):
    (file,) = (file for file in NASGRAPH.files if "cifar100" in file.key)
    known = read_csv(mirror / file.key, {"test accuracy": float})["test accuracy"]
    assert (np.abs(known - read_tasks(nb360_file)["cifar100"].accuracies) < 5e-6).sum() == N_CELLS


def test_one_cell_was_measured_for_all_that_are_written_alike(oracle):
    assert (np.array(representatives()) == oracle["rep_hwnasbench"]).sum() == N_CELLS
    assert len(set(representatives())) == 6_466


def test_columns_say_what_was_trained_and_measured(home):
    column = Truth.open("nats_tss", home).column("ninapro", default_truth(Truth.open("nats_tss", home), CELLS, NINAPRO))
    assert (column.name, column.unit, column.epochs, column.seeds) == ("test200", "%", 200, "seed 777")
    assert "it may be a validation set" in column.note
    truth = Truth.open("nats_tss_darcy", home)
    column = truth.column("darcy", default_truth(truth, FIELDS, DARCY))
    assert (column.name, column.metric, column.unit) == ("test200", "1 - relative L2 error", "fraction")
    assert column.higher_is_better


def test_ninapro_is_a_share_of_659_windows_and_darcy_is_not_rounded(accuracies):
    windows = accuracies["ninapro"] * 659 / 100
    assert np.abs(windows - windows.round()).max() < 1e-3
    assert len(np.unique(accuracies["ninapro"])) == 146
    assert len(np.unique(accuracies["darcy"].round(4))) == 1_030
    assert len(np.unique((100 * accuracies["darcy"]).round(4))) == 9_213
    assert accuracies["ninapro"].argmax() == 6_186
    assert accuracies["darcy"].argmax() == 3_976
    assert accuracies["darcy"].min() == pytest.approx(-0.7998, abs=5e-5)
    assert accuracies["darcy"].argmin() == 784


def test_counting_is_void_on_ninapro(accuracies):
    """Facts of the joined table: parameters, FLOPs and 3x3 convolutions say nothing; skips do, a little."""
    values = accuracies["ninapro"]
    params, flops = np.transpose([(CELLS.params(a, NINAPRO), CELLS.flops(a, NINAPRO)) for a in CELLS.architectures])
    assert tau_rho(params, values) == pytest.approx((0.002, 0.010), abs=6e-4)
    assert tau_rho(flops, values) == pytest.approx((0.002, 0.010), abs=6e-4)
    for operation, expected in (("nor_conv_3x3", (-0.036, -0.043)), ("skip_connect", (0.292, 0.374))):
        counts = [CELLS.cell(arch).count(operation) for arch in CELLS.architectures]
        assert tau_rho(counts, values) == pytest.approx(expected, abs=6e-4)
    first = CELLS.members("canonical")
    assert tau_rho(params[first], values[first]) == pytest.approx((-0.040, -0.058), abs=6e-4)


def test_counting_is_worth_something_on_darcy_and_the_right_network_counts(accuracies):
    values = accuracies["darcy"]
    rounded = values.round(4)  # as the oracle did for the two facts that are not of its own columns
    archs = FIELDS.architectures
    params, flops = np.transpose([(FIELDS.params(a, DARCY), FIELDS.flops(a, DARCY)) for a in archs])
    assert tau_rho(params, values) == pytest.approx((0.437, 0.625), abs=6e-4)
    assert tau_rho(flops, values) == pytest.approx((0.436, 0.624), abs=6e-4)
    n_convs = [FIELDS.cell(arch).count("nor_conv_3x3") for arch in archs]
    assert tau_rho(n_convs, rounded) == pytest.approx((0.517, 0.657), abs=6e-4)
    others = [CELLS.params(arch, DATA_SETS.get("cifar10")) for arch in archs]
    assert tau_rho(others, rounded) == pytest.approx((0.445, 0.620), abs=6e-4)
    first = FIELDS.members("canonical")
    assert tau_rho(params[first], values[first]) == pytest.approx((0.416, 0.594), abs=6e-4)


def test_cells_that_see_only_the_stem_stay_below_those_with_3x3_convolutions(accuracies):
    cells = [FIELDS.cell(arch) for arch in FIELDS.architectures]
    blind = np.array([not {"nor_conv_3x3", "avg_pool_3x3"} & set(cell) for cell in cells])
    sees = np.array(["nor_conv_3x3" in cell for cell in cells])
    assert blind.sum() == 729  # three operations are left on each of six edges
    assert accuracies["darcy"][blind].max() == pytest.approx(0.843, abs=6e-4)
    assert np.median(accuracies["darcy"][sees]) == pytest.approx(0.950, abs=6e-4)


@pytest.mark.parametrize(
    ("name", "tau", "n_pairs"), [("ninapro", 0.648, 1_178), ("darcy", 0.918, 1_166)], ids=["ninapro", "darcy"]
)
def test_networks_that_were_trained_twice_agree_as_the_joined_table_does(accuracies, name, tau, n_pairs):
    space = PLACES[name]
    alive = space.members("connected")
    assert (~alive).sum() == 341
    classes = np.array(space.canonical_forms(space.architectures))
    pairs_of_classes, _ = of_classes(np.where(alive, accuracies[name], np.nan), classes)
    assert pairs_of_classes.n == n_pairs
    assert pairs_of_classes.tau == pytest.approx(tau, abs=0.015)  # of one draw there, of 20 here


def test_cells_without_a_path_have_learnt_the_most_frequent_answer(accuracies):
    dead = ~CELLS.members("connected")
    assert np.unique(accuracies["ninapro"][dead]).tolist() == pytest.approx([64.7951], abs=1e-4)
    assert np.median(accuracies["darcy"][dead]) == pytest.approx(0.747, abs=1e-3)


def test_the_truth_opens_in_half_a_second(home):
    archs = FIELDS.architectures
    began = time.process_time()
    Truth.open("nats_tss_darcy", home).values(archs, "darcy", "test200")
    assert time.process_time() - began < 0.5


def test_the_command_imports_both_and_status_and_verify_know_them(nb360_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    monkeypatch.setattr("harness.data.__main__.import_truth", lambda release, path: _written(release, path))
    assert main(["import", "nb360", str(nb360_file)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("nb360: 15,625 of 15,625 architectures, 15 columns, written to ")
    assert second.startswith("nb360_darcy: 15,625 of 15,625 architectures, 8 columns, written to ")
    (entry,) = (one for one in entries(tmp_path, tmp_path) if one.what.startswith("import nb360_darcy "))
    assert (entry.name, entry.state) == ("nats_tss_darcy", "present")
    assert "(darcy: test200, pi5_litert_latency, pi5_litert_energy, " in entry.what
    assert entry.origin == "none published, github.com/roldebijvank/HW-NAS-Bench-360"
    assert main(["verify"]) == 0
    DARCY_FLOW.path(tmp_path).write_bytes(b"")
    assert main(["verify"]) == 1
    assert "Run `python -m harness.data import nb360 PATH` to restore it" in capsys.readouterr().out


def _written(release, path):
    table = release.convert(path)
    write_table(table, release.path(), release.origin)
    return table


def opened(bench: str, data_set: str, home: Path) -> object:
    truth = Truth.open(bench, home)  # that of nats_tss is there without any file, for the digits
    return truth.column(data_set, default_truth(truth, BENCHMARKS.get(bench), DATA_SETS.get(data_set)))


@pytest.mark.parametrize(("bench", "data_set"), [("nats_tss", "ninapro"), ("nats_tss_darcy", "darcy")])
def test_without_it_the_command_and_the_page_are_named(bench, data_set, tmp_path):
    with pytest.raises(
        MissingDataError,
        match=rf"There is no ground truth of {bench} .*Run `python -m harness\.data import nb360 PATH`, PATH being the "
        r"file results/dataset\.parquet from https://github\.com/roldebijvank/HW-NAS-Bench-360\.$",
    ):
        opened(bench, data_set, tmp_path)


def test_nothing_is_fetched_that_has_no_licence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    assert main(["fetch", "nats_tss_darcy"]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(
        "Nothing of nats_tss_darcy can be fetched. Run `python -m harness.data import nb360 PATH`"
    )
    assert printed.count("\n") == 1
    assert NB360.licence == DARCY_FLOW.licence == "none published"


def test_a_task_that_a_space_lacks_is_said_with_those_that_it_has():
    with pytest.raises(OptionError, match=r"nats_tss has no data set 'darcy'; it has digits, .*ninapro\."):
        pairs(["nats_tss"], ["darcy"], Settings())
    with pytest.raises(OptionError, match=r"nats_tss_darcy has no data set 'ninapro'; it has darcy\."):
        pairs(["nats_tss_darcy"], ["ninapro"], Settings())
