"""NAS-Bench-BERT's truth: equal to the joined table, the correlations known of it, its reliability, refused files."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.nasbench_bert import SOURCES
from benchmarks.nasbench_bert.structure import read
from harness.agreement.reliability import of_classes
from harness.errors import CorruptDataError, OptionError
from harness.evaluation.evaluation import evaluate
from harness.evaluation.evaluation_set import default_truth
from harness.evaluation.pairs import pairs
from harness.inputs import DATA_SETS, InputKind
from harness.protocol import Protocol
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.truth import Truth
from harness.truth.sources import fetch

GLUE = DATA_SETS.get("glue")
NAMES = ("nasbench_bert", "nasbench_bert_declared", "nasbench_bert_trained")
SPACE = BENCHMARKS.get(NAMES[0])


@pytest.fixture(scope="module")
def home(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert-home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HARNESS_MIRROR", str(mirror))
        assert all([fetch(source, folder) for source in SOURCES])
    return folder


@pytest.fixture(scope="module")
def glue(home: Path) -> np.ndarray:
    return Truth.open("nasbench_bert", home).values(SPACE.architectures, "glue", "glue")


def correlated(counts, truth) -> tuple[float, float]:
    return float(stats.kendalltau(counts, truth).statistic), float(stats.spearmanr(counts, truth).statistic)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_equals_the_joined_table(name, home, truth_oracle):
    truth, archs = Truth.open(name, home), BENCHMARKS.get(name).architectures
    with np.load(truth_oracle / "nasbench_bert.npz", allow_pickle=False) as oracle:
        columns = [column for column in oracle if column.startswith("dev_")]
        assert len(columns) == 8
        for column in ("glue", *columns, "train_seconds"):
            assert (np.abs(truth.values(archs, "glue", column) - oracle[column]) < 1e-5).sum() == 500
    assert {column.name for column in truth.columns("glue")} == {"glue", *columns, "train_seconds"}


def test_the_mean_is_the_default_and_a_long_training_is_no_merit(home):
    truth = Truth.open("nasbench_bert", home)
    assert default_truth(truth, SPACE, GLUE) == "glue"
    assert [column.name for column in truth.columns("glue") if not column.higher_is_better] == ["train_seconds"]


def test_the_extremes_and_the_missing_run(home, glue):
    assert (glue.argmax(), glue.argmin()) == (179, 287)
    assert (glue.max(), glue.min()) == (pytest.approx(75.13, abs=0.006), pytest.approx(53.665))
    np.testing.assert_allclose(np.percentile(glue, [5, 50, 95]), [63.56, 69.57, 73.77], atol=0.006)
    truth = Truth.open("nasbench_bert", home)
    rte, cola = (truth.values(SPACE.architectures, "glue", name) for name in ("dev_rte", "dev_cola"))
    assert np.flatnonzero(rte == 0).tolist() == [47]
    assert glue[47] == pytest.approx(60.3175)
    assert ((cola == 0).sum(), (cola <= 0).sum()) == (53, 62)
    assert "0.0 for number 47" in truth.column("glue", "dev_rte").note


@pytest.mark.parametrize(
    ("name", "tau", "rho"), [(NAMES[0], 0.454, 0.652), (NAMES[1], 0.485, 0.676), (NAMES[2], 0.573, 0.765)]
)
def test_the_params_of_each_reading_correlate_as_known(name, tau, rho, glue):
    space = BENCHMARKS.get(name)
    found = correlated([space.params(arch, GLUE) for arch in space.architectures], glue)
    assert found == (pytest.approx(tau, abs=6e-4), pytest.approx(rho, abs=6e-4))


@pytest.mark.parametrize(
    ("cost", "tau", "rho"),
    [("layers", 0.682, 0.834), ("heads", 0.557, 0.750), ("feed_forward_layers", 0.543, 0.718)],
)
def test_counts_of_layers_correlate_as_known(cost, tau, rho, glue):
    found = correlated([SPACE.costs(arch, GLUE)[cost] for arch in SPACE.architectures], glue)
    assert found == (pytest.approx(tau, abs=6e-4), pytest.approx(rho, abs=6e-4))


def test_the_hidden_size_correlates_as_known_and_params_do_not_within_one_shape(glue):
    declared = [read(arch.partition("~")[0]) for arch in SPACE.architectures]
    hidden = correlated([made.hidden for made in declared], glue)
    assert hidden == (pytest.approx(0.341, abs=6e-4), pytest.approx(0.417, abs=6e-4))
    trained = BENCHMARKS.get("nasbench_bert_trained")
    rows = [row for row, made in enumerate(declared) if (made.hidden, len(made.layers)) == (256, 4)]
    assert len(rows) == 133
    within = correlated([trained.params(trained.architectures[row], GLUE) for row in rows], glue[rows])
    assert within == (pytest.approx(0.024, abs=6e-4), pytest.approx(0.033, abs=6e-4))


def test_reliability_over_equal_trained_networks(glue):
    """The joined table drew one pair of each of 77 classes: tau .700, rho .858; here is the mean of 20 draws."""
    trained = BENCHMARKS.get("nasbench_bert_trained")
    classes = trained.canonical_forms(trained.architectures)
    sizes = np.unique(np.array(classes), return_counts=True)[1]
    assert ((sizes > 1).sum(), sizes[sizes > 1].sum()) == (77, 276)
    by_class = next(one for one in of_classes(glue, classes) if one.between == "class")
    assert by_class.n == 77
    assert abs(by_class.tau - 0.700) < 2 * by_class.tau_sd < 0.1


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_run_takes_the_networks_that_were_trained_alike_as_repetitions_in_every_reading(
    name, home, tmp_path, monkeypatch
):
    monkeypatch.setenv("HARNESS_DATA", str(home))
    settings = Settings(sample="all", store=tmp_path / "scores.sqlite", out=tmp_path / "out")
    found = evaluate("params", name, "glue", settings).tables.reliability
    assert dict(zip(found["between"], found["n"], strict=True)) == {"class": 77, "architecture": 276}
    (of_classes_,) = found.loc[found["between"] == "class", "tau"]
    assert of_classes_ == pytest.approx(0.700, abs=0.04)  # one draw there, the mean of twenty here


def test_a_run_cautions_against_the_usual_loss_and_keeps_the_other_apart(home, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(home))
    found = {}
    for loss in (None, "masked_language_modelling"):
        settings = Settings(
            sample=2,
            inputs=(InputKind.noise,),
            protocol=Protocol(n_batches=1, batch_size=1),
            loss=loss,
            workers=1,
            store=tmp_path / "scores.sqlite",
            out=tmp_path / str(loss),
        )
        found[loss] = evaluate("grad_norm", "nasbench_bert_declared", "glue", settings)
    usual, masked = found.values()
    assert usual.notes == [GLUE.caution]
    assert GLUE.caution in (usual.out / "report.md").read_text().replace("\\", "")
    assert not masked.notes
    norms = [one.scores["nasbench_bert_declared", "glue"]["grad_norm"] for one in (usual, masked)]
    assert (norms[1] > 1e3 * norms[0]).all()


def test_a_task_that_the_space_lacks_is_said_with_those_that_it_has():
    with pytest.raises(OptionError, match=r"nasbench_bert has no data set 'digits'; it has glue\."):
        pairs(["nasbench_bert"], ["digits"], Settings())


def test_the_truth_opens_in_half_a_second(home):
    began = time.perf_counter()
    Truth.open("nasbench_bert", home).values(SPACE.architectures, "glue", "glue")
    assert time.perf_counter() - began < 0.5


def _layer(rows):
    return rows[5]["hparams"]["model_hparam_overrides"]["nas_config"]["encoder_layers"][0]


def _dropped(rows):
    return rows[1:]


def _swapped(rows):
    return [rows[1], rows[0], *rows[2:]]


def _other_network(rows):
    _layer(rows)["num_operation_heads"] = 8
    return rows


def _no_operation(rows):
    del _layer(rows)["operation_type"]
    return rows


def _beyond(rows):
    rows[5]["scores"]["rte"] = 670.0
    return rows


def _text(rows):
    rows[5]["scores"]["sst"] = "83"
    return rows


def _altered(rows):
    rows[5]["scores"]["sst"] += 1
    return rows


def _no_scores(rows):
    del rows[5]["scores"]
    return rows


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_dropped, "does not list the 500 encoders of nasbench_bert in order"),
        (_swapped, "does not list the 500 encoders of nasbench_bert in order"),
        (_other_network, "does not list the 500 encoders of nasbench_bert in order"),
        (_no_operation, r"is not a list of encoders with results \(KeyError\)"),
        (_beyond, "gives encoder 5 no score of rte between -100 and 100"),
        (_text, "gives encoder 5 no score of sst"),
        (_altered, "gives encoder 5 a glue score that is not the mean of its tasks"),
        (_no_scores, "gives encoder 5 no score of cola"),
        (lambda rows: {"rows": 1}, "is not a list of encoders with results"),
    ],
)
def test_altered_files_are_refused(mirror, tmp_path, change, sentence):
    rows = json.loads((mirror / SOURCES[0].files[0].key).read_text())
    path = tmp_path / "BERT_benchmark.json"
    path.write_text(json.dumps(change(rows)))
    with pytest.raises(CorruptDataError, match=sentence):
        SOURCES[0].convert([path])


def test_a_truncated_file_is_refused(mirror, tmp_path):
    path = tmp_path / "BERT_benchmark.json"
    path.write_bytes((mirror / SOURCES[0].files[0].key).read_bytes()[:1000])
    with pytest.raises(CorruptDataError, match=r"BERT_benchmark\.json is not valid JSON \(JSONDecodeError\)\."):
        SOURCES[0].convert([path])


def test_the_licence_of_the_data_is_said():
    assert {source.licence for source in SOURCES} == {"CC BY 4.0"}
