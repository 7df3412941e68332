"""Protocols: their key holds every value, their label says what differs from the one they are named after."""

import dataclasses

from harness.cli.command import start
from harness.protocol import Mode, Precision, Protocol
from harness.space.initialise import Initialisation


def test_the_label_names_what_differs():
    assert Protocol().label == "paper"
    assert Protocol(batch_size=64, dtype=Precision.bf16).label == "paper(batch_size=64, dtype=bf16)"
    assert Protocol("suite_zero", n_batches=1, batch_size=64).label == "suite_zero"


def test_every_field_but_the_name_is_in_the_key():
    others = {
        "n_batches": 3,
        "batch_size": 4,
        "init": Initialisation.kaiming_normal,
        "dtype": Precision.fp64,
        "mode": Mode.eval,
        "residuals": False,
        "squeeze_excitation": True,
    }
    assert set(others) == {field.name for field in dataclasses.fields(Protocol)} - {"name"}
    keys = {dataclasses.replace(Protocol(), **{field: value}).key for field, value in others.items()}
    assert len(keys | {Protocol().key}) == 8
    assert Protocol(name="other").key == Protocol().key


def test_every_run_of_a_sweep_is_checked_before_one_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert start("run", ["proxy=params", "seed=1,-2", "-m"]) == 2
    assert "seed=-2 " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
