"""Commands on timm's zoo: without the library, with a version that lacks a network, and with a size of no row."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.timm_zoo import SOURCE, library
from benchmarks.timm_zoo.counts import is_counted
from harness import columns
from harness.errors import MissingDataError
from harness.evaluation.evaluation import evaluate
from harness.inputs import InputKind
from harness.protocol import Protocol
from harness.report.tables import notes
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.truth.sources import fetch

ZOO = BENCHMARKS.get("timm")


@pytest.fixture
def settings(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HARNESS_MIRROR", str(mirror))
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "home"))
    fetch(SOURCE, tmp_path / "home")
    small = Protocol(n_batches=1, batch_size=2)
    return Settings(
        store=tmp_path / "scores.sqlite",
        out=tmp_path / "out",
        inputs=(InputKind.noise,),
        protocol=small,
        workers=1,
    )


def of_rows(folder: Path, *names: str) -> str:
    file = folder / "rows.csv"
    file.write_text("\n".join(["arch", *names]) + "\n")
    return str(file)


@pytest.fixture
def without_timm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    library.imported.cache_clear()
    monkeypatch.setitem(sys.modules, "timm", None)
    yield
    library.imported.cache_clear()


def test_networks_without_stored_counts_are_numbered_where_timm_is_lacking(settings, without_timm):
    members = [at for at, chosen in enumerate(ZOO.members("ra2_in1k")) if chosen]
    assert (len(members), sum(not is_counted(at) for at in members)) == (12, 4)
    sentence = (
        r"^Counting 4 of the 12 architectures, whose counts are not stored, needs the libraries timm .*"
        r"Run `pip install 'nas-proxy-harness\[timm\]'`, or use population=counted, whose counts are stored\.$"
    )
    for _ in range(2):  # also when a first attempt has left scores
        with pytest.raises(MissingDataError, match=sentence):
            evaluate("params", "timm", "imagenet", replace(settings, population="ra2_in1k"))
    found = evaluate("params", "timm", "imagenet", replace(settings, population="counted"))
    assert found.tables.agreement[columns.N].tolist() == [356]


def test_an_architecture_without_stored_counts_is_described_without_timm(settings, without_timm, in_empty_folder):
    from harness import describe

    code, out, _ = in_empty_folder(lambda: describe.main(["timm", "regnety_2560.seer_ft_in1k@384", "--out", "x.png"]))()
    assert code == 0
    assert "imagenet: no counts: Counting 1 of the 1 architectures, whose counts are not stored, needs" in out
    assert "val_top1 85.1" in out


def test_what_an_older_timm_lacks_is_counted_alike_before_the_run_and_in_the_table(
    settings, tmp_path, monkeypatch, capsys
):
    try:
        timm = library.imported()
    except MissingDataError as error:
        pytest.skip(str(error))
    rows = ("resnet18.a1_in1k@224", "resnet18.tv_in1k@224", "test_resnet.r160_in1k@160")  # the first two are equal

    class Older:
        __version__ = "9.9"
        create_model = staticmethod(timm.create_model)

        @staticmethod
        def is_model(name: str) -> bool:
            return name != "resnet18"

    monkeypatch.setattr(library, "imported", Older)
    monkeypatch.setattr(library, "installed", lambda: "9.9")
    file = of_rows(tmp_path, *rows)
    found = evaluate("grad_norm", "timm", "imagenet", replace(settings, population=file))
    told = capsys.readouterr().err
    assert "timm 9.9 lacks 1 of 2 networks, so 2 of 3 architectures have no score: resnet18." in told
    (line,) = [line for line in notes(found.tables) if "n_nan" in line]
    assert "n_nan 2 " in line
    assert "; 2 without a score, most often (2) with: " in line
