"""A function of a file that makes an iterable of (inputs, targets), as a data set."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.errors import HarnessError, OptionError
from harness.inputs import BatchRequest, DataOptions, InputKind, draw_batches, open_data_set
from harness.space import BENCHMARKS, refuse_unfit

CODE = """
import random
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

def shuffled():
    return DataLoader(TensorDataset(torch.arange(40.0).reshape(40, 1, 1, 1), torch.arange(40) % 4), 7, shuffle=True)

def mixed():
    numbers = np.random.rand(8, 2) + random.random()
    yield numbers, np.zeros(8, np.int64)

def endless(seed):
    source = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(3, 5, generator=source), torch.randn(3, generator=source)

def several():
    inputs = {"tokens": torch.ones(8, 4, dtype=torch.int64), "weights": torch.rand(8, 4)}
    yield inputs, torch.zeros(8, dtype=torch.int64)

def tokens():
    yield torch.arange(16).reshape(8, 2), torch.arange(16).reshape(8, 2)

def raises():
    yield torch.ones(2, 3), torch.zeros(2)
    raise RuntimeError("the disk is full")

def nothing():
    return []

def lone():
    yield torch.ones(2, 3)

def text():
    yield ["a", "b"], torch.zeros(2)

def bytes_():
    yield torch.ones(2, 3, dtype=torch.uint8), torch.zeros(2)

def uneven():
    yield torch.ones(2, 3), torch.zeros(3)

def growing():
    yield torch.ones(2, 3), torch.zeros(2)
    yield torch.ones(2, 4), torch.zeros(2)

def infinite():
    yield torch.full((2, 3), float("nan")), torch.zeros(2)

def beyond():
    yield torch.ones(2, 3), torch.tensor([0, 9])

def leaves():
    exit(3)
"""


@pytest.fixture
def loader(tmp_path: Path) -> str:
    (tmp_path / "loader.py").write_text(CODE)
    return f"{tmp_path}/loader.py"


def test_batches_are_cut_to_size_in_the_order_of_the_loader(loader):
    data_set = open_data_set(f"{loader}:shuffled", DataOptions(classes=4))
    assert (data_set.name, data_set.shape, data_set.n_classes) == ("loader.py:shuffled", (1, 1, 1), 4)
    batches = draw_batches(data_set, BatchRequest(n_batches=2, batch_size=16))
    values = torch.cat([batch.images.flatten() for batch in batches])
    assert len(set(values.tolist())) == 32  # without replacement
    assert torch.equal(values.long() % 4, torch.cat([batch.targets for batch in batches]))
    again = draw_batches(data_set, BatchRequest(n_batches=2, batch_size=16))
    other = draw_batches(data_set, BatchRequest(n_batches=2, batch_size=16, seed=1))
    assert batches.sha256 == again.sha256 != other.sha256


def test_all_generators_are_seeded_and_put_back(loader):
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    data_set = open_data_set(f"{loader}:mixed", DataOptions(classes=2))
    one, again = (draw_batches(data_set, BatchRequest(n_batches=1, batch_size=8)).sha256 for _ in range(2))
    assert one == again
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_a_loader_without_end_that_takes_the_seed(loader):
    data_set = open_data_set(f"{loader}:endless")
    assert (data_set.n_classes, data_set.criterion.name) == (1, "mse")
    one, other = (draw_batches(data_set, BatchRequest(n_batches=2, batch_size=4, seed=s)) for s in (0, 1))
    assert one.batches[1].images.shape == (4, 5)
    assert one.sha256 != other.sha256


def test_several_inputs_are_parts_that_networks_get_by_name(loader):
    data_set = open_data_set(f"{loader}:several", DataOptions(classes=2))
    assert [(part.name, part.shape, part.is_index) for part in data_set.parts] == [
        ("tokens", (4,), True),
        ("weights", (4,), False),
    ]
    with pytest.raises(OptionError, match=r"because its networks take images, and not tokens"):
        refuse_unfit(BENCHMARKS.get("nats_tss"), data_set)
    with pytest.raises(OptionError, match=r"inputs=noise is invalid for loader\.py:several"):
        draw_batches(data_set, BatchRequest(InputKind.noise, 1, 2))


def test_tokens_with_a_target_at_each(loader):
    with pytest.raises(OptionError, match=r"say how many there are: data\.tokens=30522"):
        open_data_set(f"{loader}:tokens")
    data_set = open_data_set(f"{loader}:tokens", DataOptions(tokens=16))
    assert (data_set.n_classes, data_set.criterion.name) == (16, "masked_language_modelling")
    (batch,) = draw_batches(data_set, BatchRequest(n_batches=1, batch_size=8))
    assert data_set.loss(torch.zeros(8, 2, 16), batch.targets) == pytest.approx(np.log(16))


WRONG = {
    "nothing": r"yields nothing; it must yield pairs",
    "lone": r"yields Tensor; it must yield pairs",
    "text": r"The inputs hold str",
    "bytes_": r"the inputs are uint8; they must be floats",
    "uneven": r"yields inputs \[2, 3\] and targets \[3\]",
    "growing": r"yields inputs \(4,\) with targets \(\) after inputs \(3,\)",
    "infinite": r"yields inputs that are NaN or infinite, first in row 0",
    "beyond": r"yields targets from 0 to 9; data\.classes=3 allows 0 to 2",
    "raises": r"dataset=loader\.py:raises raised RuntimeError: the disk is full \(loader\.py, line \d+\)",
    "leaves": r"dataset=loader\.py:leaves ended the process",
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_loaders_end_in_one_sentence(loader, name):
    def used() -> None:
        data_set = open_data_set(f"{loader}:{name}", DataOptions(classes=3))
        draw_batches(data_set, BatchRequest(n_batches=1, batch_size=4 if name in ("growing", "raises") else 2))

    with pytest.raises(HarnessError, match=WRONG[name]) as error:
        used()
    assert "\n" not in str(error.value)


def test_settings_that_a_loader_needs_and_those_that_it_does_not_take(loader):
    with pytest.raises(OptionError, match=r"yields classes as targets; say how many there are: data\.classes=10"):
        open_data_set(f"{loader}:shuffled")
    with pytest.raises(OptionError, match=r"are for images in files"):
        open_data_set(f"{loader}:shuffled", DataOptions(classes=4, size=(8,)))
    with pytest.raises(OptionError, match=r"need 64 inputs of loader\.py:shuffled, but .* has 40"):
        draw_batches(open_data_set(f"{loader}:shuffled", DataOptions(classes=4)), BatchRequest(batch_size=32))


def test_a_file_that_does_not_import(tmp_path):
    (tmp_path / "broken.py").write_text("import nothing_of_the_kind\n")
    with pytest.raises(HarnessError, match=r"does not import: it raised ModuleNotFoundError.*\(broken\.py, line 1\)"):
        open_data_set(f"{tmp_path}/broken.py:make")
