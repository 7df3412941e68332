"""NAS-Bench-Macro: counts equal to the published ones on every row, and identities that can be moved."""

from random import Random

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.nasbench_macro.structure import plans
from harness.errors import UnknownNameError
from harness.evaluation.population import open_population
from harness.inputs import DATA_SETS
from harness.space import BENCHMARKS, Architecture

SPACE, CIFAR10 = BENCHMARKS.get("nasbench_macro"), DATA_SETS.get("cifar10")
LEAST, MIXED = Architecture("00000000"), Architecture("02012100")


@pytest.fixture(scope="module")
def oracle(truth_oracle):
    with np.load(truth_oracle / "nasbench_macro.npz", allow_pickle=False) as table:
        return {name: table[name] for name in table}


def test_the_order_is_that_of_the_joined_table(oracle):
    assert [arch.decode() for arch in oracle["arch"]] == list(SPACE.architectures)


def test_params_flops_and_blocks_equal_the_published_ones_on_all_rows(oracle):
    table = SPACE.layer_table(SPACE.architectures, CIFAR10)
    assert ((table.n_params * table.repeats).sum(axis=1) == oracle["params"]).sum() == 6_561
    # The benchmark counts no bias, the nats_bench package the ten of the classifier.
    assert ((table.flops * table.repeats).sum(axis=1) - 10 == oracle["flops"]).sum() == 6_561
    assert SPACE.costs(MIXED, CIFAR10)["published_flops"] == oracle["flops"][SPACE.index(MIXED)] == 47_327_744
    blocks = [SPACE.costs(arch, CIFAR10)["blocks"] for arch in SPACE.architectures]
    np.testing.assert_array_equal(blocks, oracle["depth"])


def test_the_parameters_of_the_smallest_network_by_hand():
    # stem 3*9*32 + 64; three strided 1x1 convolutions with normalisation; 256 to 1,280; classifier.
    heads = (32 * 64 + 128) + (64 * 128 + 256) + (128 * 256 + 512)
    assert SPACE.params(LEAST, CIFAR10) == 928 + heads + (256 * 1280 + 2560) + 12_810 == 387_882


def test_classes_are_those_of_the_joined_table_and_a_form_is_its_first_member(oracle):
    forms = SPACE.canonical_forms(SPACE.architectures)
    assert len(set(forms)) == len(np.unique(oracle["canonical_index"])) == 3_969
    pairs = set(zip(forms, oracle["canonical_index"].tolist(), strict=True))
    assert len(pairs) == 3_969  # the same partition
    first: dict[str, Architecture] = {}
    for arch, form in zip(SPACE.architectures, forms, strict=True):
        assert first.setdefault(form, arch) == form


def test_identities_move_within_a_stage_but_not_to_its_head():
    assert SPACE.canonical(Architecture("10120001")) == "10102001"  # the first stage has a single place after its head
    assert SPACE.canonical(Architecture("01000000")) == "01000000"
    assert SPACE.canonical(Architecture("22212220")) == SPACE.canonical(Architecture("22212202")) == "22212202"


def test_networks_of_one_class_have_equal_weights_and_outputs():
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    others = [arch for arch in Random(0).sample(list(SPACE.architectures), 60) if SPACE.canonical(arch) != arch][:4]
    for arch in [*others, Architecture("11120110")]:
        form = SPACE.canonical(arch)
        assert form != arch
        assert torch.equal(SPACE.network(arch, CIFAR10)(images), SPACE.network(form, CIFAR10)(images))
    swapped = [SPACE.network(Architecture(arch), CIFAR10)(images) for arch in ("11120110", "11102101", "11012101")]
    assert torch.equal(swapped[0], swapped[1])
    assert not torch.equal(swapped[0], swapped[2])


def test_both_ways_to_execute_are_one_network():
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    live, everything = (SPACE.network(MIXED, CIFAR10, execute=execute) for execute in ("live", "all"))
    assert torch.equal(live(images), everything(images))


def test_a_network_of_identities_has_two_relus_and_a_shortcut_needs_an_equal_shape():
    network = SPACE.network(LEAST, CIFAR10)
    assert sum(isinstance(module, nn.ReLU) for module in network.modules()) == 2
    added = [bool(plan and getattr(plan, "adds_input", False)) for plan in plans("11222112")]
    assert added == [False, True, False, True, True, False, True, True]


def test_populations():
    assert len(open_population(SPACE, "canonical").index) == 3_969
    assert len(open_population(SPACE, "bottleneck_heads").index) == 2**3 * 3**5


def test_neighbours_change_one_block():
    assert len(set(SPACE.neighbours(MIXED))) == 16
    assert Architecture("12012100") in SPACE.neighbours(MIXED)


@pytest.mark.parametrize("arch", ["0000000", "000000000", "00000003", "0000000a"])
def test_an_unknown_architecture_is_named(arch):
    with pytest.raises(UnknownNameError, match=rf"'{arch}' is not an architecture of nasbench_macro; an example is "):
        SPACE.network(Architecture(arch), CIFAR10)
