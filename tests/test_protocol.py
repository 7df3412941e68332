"""Protocols: their key holds every value, their label says what differs from the one they are named after."""

import dataclasses

import pytest

from harness.cli.config import check_words
from harness.errors import OptionError
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


def test_settings_are_checked_before_anything_runs():
    check_words(["proxy=a,b", "seed=1,2", "-m"])
    with pytest.raises(OptionError, match="seed=-2 cannot work"):
        check_words(["seed=1,-2", "-m"])
