"""scores=: files as people have them give the scores of the plainest form, and mistakes end in one sentence."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness import Settings
from harness.evaluation.external_scores import open_scores
from harness.inputs import InputKind
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun
from harness.scoring.composites import ensure
from harness.scoring.proxy_spec import parse_proxies
from harness.space import BENCHMARKS
from harness.store import ScoreStore, ScoreTable, write_table
from harness.truth import Truth

CASES = Path(__file__).parents[3] / "shared" / "cases"
TSS = BENCHMARKS.get("nats_tss")
ARCHS = list(TSS.architectures[:40])
MINE = [float((17 * row) % 40) for row in range(40)]
TAU = -1 / 6  # of the cases, on CIFAR-10


@pytest.fixture
def case(fetched_home, monkeypatch):
    """Where the files of the cases are; the ground truth of NATS-Bench is fetched."""
    if not CASES.is_dir():
        pytest.skip("shared/cases does not lie beside the checkout")
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    return lambda name: f"scores={CASES / name}"


def agreement(folder: str = "one") -> pd.DataFrame:
    return pd.read_csv(Path(folder, "agreement.csv"), dtype={"seed": str}).set_index("proxy")


def read(path: Path, **more: object):
    return open_scores([path], more.get("chosen", ()), (), more.get("notation")).on(TSS, "digits")


def plain() -> pd.DataFrame:
    return pd.DataFrame({"arch": ARCHS, "mine": MINE})


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("index_only.csv", "index names the architectures in the notation index"),
        ("naslib_tuples.csv", "arch names the architectures in the notation naslib"),
        ("structure_repr.csv", "arch names the architectures in the notation structure"),
        ("text_column.csv", "text_column.csv: left out note (text); "),
        ("own_scores_parquet_as_csv.csv", "left out index (index); "),
    ],
)
def test_each_case_gives_the_answer_of_its_readme(command, case, name, told):
    code, out, err = command(case(name), "dataset=cifar10", "proxy=params", "out=one")
    assert code == 0, err
    assert told in " ".join(out.split())
    rows = agreement()
    assert rows.loc["mine", "tau"] == pytest.approx(TAU, abs=5e-4)
    assert rows.loc["mine", "n"] == 40
    assert set(rows.index) == {"mine", "params"}
    assert told in Path("one/report.md").read_text().replace("\\", "")
    assert any(told in f"{note}; " for note in json.loads(Path("one/run.json").read_text())["scores"]["notes"])


def test_the_case_without_rows_ends_in_a_sentence(command, case):
    assert command(case("header_only.csv"), "dataset=cifar10")[0] == 2
    assert "header_only.csv' has no rows" in command(case("header_only.csv"), "dataset=cifar10")[2]


def test_the_case_of_seeds_has_a_row_for_each_and_their_mean(command, case):
    code, out, _ = command(case("long_seeds.csv"), "dataset=cifar10", "proxy=params", "out=one")
    assert code == 0
    rows = agreement().loc[["mine"]]
    assert rows["seed"].tolist() == ["0", "1", "2"]
    assert rows["tau"].tolist() == pytest.approx([TAU] * 3, abs=5e-4)
    assert "mine on nats_tss / cifar10: mean tau over 3 seeds -.167" in " ".join(out.split())
    seeds = pd.read_csv("one/seeds.csv").set_index("proxy")
    assert seeds.loc["mine", ["n_seeds", "tau_mean"]].tolist() == pytest.approx([3, TAU], abs=5e-4)


def test_the_case_with_text_by_chosen_columns(command, case):
    assert (
        command(case("text_column.csv"), "scores.columns=[mine]", "dataset=cifar10", "proxy=params", "out=one")[0] == 0
    )
    assert agreement().loc["mine", "tau"] == pytest.approx(TAU, abs=5e-4)
    code, _, err = command(case("text_column.csv"), "scores.columns=[note]", "dataset=cifar10")
    assert code == 2
    assert "has 'ok' in line 2, column note, which is not a number" in err
    code, _, err = command(case("text_column.csv"), "scores_columns=[mien]", "dataset=cifar10")
    assert code == 2
    assert "No column is called 'mien'. Did you mean 'mine'?" in err


WRITINGS = {
    "semicolons and decimal commas": lambda path: plain().to_csv(path, sep=";", decimal=",", index=False),
    "tabs": lambda path: plain().to_csv(path, sep="\t", index=False),
    "gzip under any name": lambda path: path.write_bytes(gzip.compress(plain().to_csv(index=False).encode())),
    "a byte order mark": lambda path: plain().to_csv(path, index=False, encoding="utf-8-sig"),
    "UTF-16": lambda path: plain().to_csv(path, index=False, encoding="utf-16"),
    "the index of to_csv": lambda path: plain().to_csv(path),
    "that index read back and written again": lambda path: plain().assign(**{"Unnamed: 0": range(40)}).to_csv(path),
    "architectures as an index without a name": lambda path: pd.Series(MINE, ARCHS, name="mine").to_csv(path),
    "another name of the column": lambda path: plain().rename(columns={"arch": "Arch_Str"}).to_csv(path, index=False),
    "parquet": lambda path: plain().to_parquet(path),
    "parquet with architectures as its index": lambda path: plain().set_index("arch").to_parquet(path),
    "parquet of tuples": lambda path: pd.DataFrame(
        {
            "arch": [[int(n) for n in re.findall(r"\d", TSS.notations["naslib"].write(arch))] for arch in ARCHS],
            "mine": MINE,
        }
    ).to_parquet(path),
    "accuracies beside": lambda path: plain().assign(test_acc=range(40), val200=range(40)).to_csv(path, index=False),
    "the command score": lambda path: plain().assign(mine_s=0.1).to_csv(path, index=False),
    "blank lines first": lambda path: path.write_text("\n\n" + plain().to_csv(index=False)),
}


@pytest.mark.parametrize("writing", WRITINGS)
def test_every_writing_gives_the_same_scores(tmp_path, writing):
    WRITINGS[writing](tmp_path / "mine.dat")
    found = read(tmp_path / "mine.dat")
    assert list(found.archs) == ARCHS
    assert [column.name for column in found.columns] == ["mine"]
    assert found.columns[0].values(ARCHS).tolist() == MINE


def test_what_is_left_out_is_named(tmp_path):
    table = plain().assign(index=0, truth=0, test_acc=0, note="a", mine_s=1.0)
    table.to_csv(tmp_path / "mine.csv")
    (note,) = [note for note in read(tmp_path / "mine.csv").notes if "left out" in note]
    assert note == (
        "mine.csv: left out the first column (row numbers), index (index), truth (ground truth), test_acc (an accuracy "
        "by its name), mine_s (seconds), note (text); scores_columns=[NAME,...] chooses columns"
    )


def test_an_accuracy_is_a_score_where_it_is_chosen(tmp_path):
    plain().assign(test_acc=range(40)).to_csv(tmp_path / "mine.csv", index=False)
    found = read(tmp_path / "mine.csv", chosen=["test_acc"])
    assert [column.name for column in found.columns] == ["test_acc"]
    assert found.columns[0].values(ARCHS).tolist() == list(range(40))


def test_matrix_and_operations_in_two_columns(tmp_path):
    space = BENCHMARKS.get("nasbench101")
    archs = [space.find(prefix) for prefix in ("00005c14", "00005058")]
    cells = [json.loads(space.notations["spec"].write(arch)) for arch in archs]
    table = pd.DataFrame(
        {"matrix": [cell["matrix"] for cell in cells], "ops": [",".join(c["ops"]) for c in cells], "a": 1.0}
    )
    table.to_csv(tmp_path / "mine.csv", index=False)
    assert list(open_scores([tmp_path / "mine.csv"], (), ()).on(space, "cifar10").archs) == archs


def test_several_data_sets_in_one_file(tmp_path):
    table = pd.concat([plain().assign(dataset="cifar10"), plain().assign(dataset="digits", mine=range(40))])
    table.to_csv(tmp_path / "mine.csv", index=False)
    opened = open_scores([tmp_path / "mine.csv"], (), ())
    assert opened.on(TSS, "cifar10").columns[0].values(ARCHS).tolist() == MINE
    assert opened.on(TSS, "digits").columns[0].values(ARCHS).tolist() == list(range(40))
    with pytest.raises(FileNotFoundError, match=r"has no scores of nats_tss on cifar100; it has cifar10, digits\."):
        opened.on(TSS, "cifar100")


def test_files_with_columns_of_one_name_are_told_apart(tmp_path):
    plain().to_csv(tmp_path / "a.csv", index=False)
    plain().iloc[:20].to_csv(tmp_path / "b.csv", index=False)
    opened = open_scores([tmp_path / "a.csv", tmp_path / "b.csv"], (), ())
    assert opened.proxies == ["mine (a.csv)", "mine (b.csv)"]
    assert opened.written == ARCHS
    _, second = opened.on(TSS, "digits").columns
    assert np.isnan(second.values(ARCHS)).sum() == 20


@pytest.mark.long
def test_lists_of_files_and_a_sample_drawn_from_them(command):
    plain().to_csv("a.csv", index=False)
    plain().rename(columns={"mine": "other"}).to_csv("b.csv", index=False)
    assert command("scores=a.csv,b.csv", "proxy=params", "sample=25", "out=one")[0] == 0
    rows = agreement()
    assert rows.loc[["mine", "other"], "n"].tolist() == [25, 25]
    assert set(pd.read_parquet("one/scores.parquet")["arch"]) < set(ARCHS)
    assert command("scores=a.csv", "proxy=params", "sample=all", "out=two")[0] == 0
    assert set(pd.read_parquet("two/scores.parquet")["arch"]) == set(ARCHS)
    code, _, err = command("scores=a.csv", "sample=41")
    assert code == 2
    assert "sample=41 is larger than scores=, which has 40 architectures" in err


@pytest.mark.long
def test_the_harnesss_own_output_is_an_input(command):
    truth = Truth.open("nats_tss").values(ARCHS, "digits", "test")
    pd.DataFrame({"arch": ARCHS, "mine": truth}).to_csv("mine.csv", index=False)
    assert command("scores=mine.csv", "out=one")[0] == 0
    assert command("scores=one/scores.parquet", "out=two")[0] == 0
    first, second = agreement("one"), agreement("two")
    assert second.loc["mine", "tau"] == 1.0
    # Its counts are read as scores of the file, beside our own, which stay what they are.
    assert second.loc["params (scores.parquet)", "tau"] == second.loc["params", "tau"] == first.loc["params", "tau"]
    assert second.loc["params (scores.parquet)", "version"] == "external"


def test_an_exported_score_table_gives_the_scores_of_its_run(tmp_path):
    specs = tuple(parse_proxies(["n_convs_live", "params"], {}))
    run = ScoringRun(ContextSpec("nats_tss", "digits", InputKind.noise, Settings().protocol, 0, "cpu"), specs, None)
    with ScoreStore(tmp_path / "s.sqlite") as store:
        ensure(run, ARCHS, store, ExecutionOptions(1))
        tables = [ScoreTable.of(key, store.find(key)) for key in store.score_keys()]
    paths = [write_table(tmp_path, table) for table in tables]
    found = open_scores(paths, (), ()).on(TSS, "digits")
    assert {column.name for column in found.columns} == {"n_convs_live", "params"}
    assert set(ARCHS) <= set(found.archs)
    for column in found.columns:
        (spec,) = [spec for spec in specs if spec.name == column.name]
        with ScoreStore(tmp_path / "s.sqlite") as store:
            stored = store.find(run.key(spec))
        own = {arch: row.components for arch, row in stored.items()}
        of_run = [next(iter(own[form].values())) for form in run.scored_as(spec, ARCHS)]
        assert column.values(ARCHS).tolist() == pytest.approx(of_run)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            f"arch,mine\n{ARCHS[0]},1\n{TSS.index(ARCHS[1])},2\n",
            r"two notations: '\|.*line 2\) is arch and '1' .*line 3",
        ),
        (f"arch,mine\n{ARCHS[0]},1\n{ARCHS[1][:-2]}9|,2\n", r"line 3\) is not an architecture of nats_tss"),
        (f"arch,mine\n{ARCHS[0]},1\n {ARCHS[0]} ,2\n", r"more than once, in lines 2 and 3"),
        (f'arch,mine\n{ARCHS[0]},1\n"{ARCHS[0].replace("+", " +")}",2\n', r"more than once, in lines 2 .* and 3 "),
        ("index,mine\n15625,1\n", r"line 2\) is not an architecture of nats_tss: nats_tss has no architecture 15625"),
        ("arch,dataset,mine\nx,cifar10,1\n", r"has no scores of nats_tss on digits; it has cifar10"),
        ("arch,mine\nx,1\n", r"'x' \('.*mine.csv', line 2\) is not an architecture of nats_tss; an example is"),
    ],
)
def test_what_cannot_be_resolved_ends_in_one_sentence_with_the_line(command, content, sentence):
    Path("mine.csv").write_text(content)
    code, out, err = command("scores=mine.csv", "dataset=digits")
    assert (code, out) == (2, "")
    assert re.search(sentence, err), err
    assert len(err.strip().splitlines()) == 1


def test_settings_about_scores_need_scores(command):
    code, _, err = command("scores_columns=[a]")
    assert code == 2
    assert "scores_columns= is about the files of scores=, but there are none; give scores=FILE." in err


def test_duplicates_by_isomorphism_are_told(tmp_path):
    second = next(arch for arch in TSS.architectures if TSS.canonical(arch) != arch)
    archs = [
        TSS.canonical(second),
        second,
        *[arch for arch in ARCHS[:3] if TSS.canonical(arch) != TSS.canonical(second)],
    ]
    pd.DataFrame({"arch": archs, "mine": 1.0}).to_csv(tmp_path / "mine.csv", index=False)
    assert any(
        f"of the {len(archs)} architectures of scores= are isomorphic to" in n
        for n in read(tmp_path / "mine.csv").notes
    )
