"""NATS-TSS cells of NAS-Bench-360: NinaPro on the known skeleton, Darcy Flow in a network of its own, by the table."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
import torch

from benchmarks.cell_graph import NONE, SKIP
from benchmarks.nats_tss.space import AVG_POOL, CONV_1X1, CONV_3X3, cell_string
from harness.evidence.base import ScoringContext
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches
from harness.protocol import Protocol
from harness.proxy import PROXIES
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Architecture
from harness.space.own_network import OwnNetwork
from harness.space.tracing import trace
from harness.store import OK

CELLS, FIELDS = BENCHMARKS.get("nats_tss"), BENCHMARKS.get("nats_tss_darcy")
NINAPRO, DARCY = DATA_SETS.get("ninapro"), DATA_SETS.get("darcy")
N_CELLS = 15_625
NEED_CLASSES = {"epe_nas"}


@pytest.fixture(scope="module")
def oracle(truth_oracle):
    with np.load(truth_oracle / "nb360_tss.npz", allow_pickle=False) as table:
        return {name: table[name] for name in table}


@pytest.mark.parametrize(
    ("space", "data_set", "params", "macs", "bias"),
    [
        (CELLS, NINAPRO, "params_ninapro", "macs_ninapro_16x52", 18),
        (FIELDS, DARCY, "params_darcy", "macs_darcy_85x85", 85 * 85),
    ],
    ids=["ninapro", "darcy"],
)
def test_counts_equal_the_table_for_every_cell(oracle, space, data_set, params, macs, bias):
    """The table counts multiply-accumulates; here one more for each output of the linear layer."""
    found = np.array([(space.params(arch, data_set), space.flops(arch, data_set)) for arch in space.architectures])
    assert (found[:, 0] == oracle[params]).sum() == N_CELLS
    assert (found[:, 1] - bias == oracle[macs]).sum() == N_CELLS


def test_smallest_and_largest_darcy_networks_by_hand():
    # Without convolutions in cells: stem 3*16*9 + 2*16 = 464, last normalisation 2*64, linear 64 + 1.
    assert FIELDS.params(cell_string((NONE,) * 6), DARCY) == 464 + 128 + 65 == 657
    # Six 3x3 convolutions in 5 cells at each width; in the widening cells three from the input and three at full width.
    conv = {
        (n_in, n_out): 9 * n_in * n_out + 2 * n_out
        for n_in, n_out in ((16, 16), (32, 32), (64, 64), (16, 32), (32, 64))
    }
    cells = 30 * (conv[16, 16] + conv[32, 32] + conv[64, 64])
    widening = 3 * (conv[16, 32] + conv[32, 32] + conv[32, 64] + conv[64, 64])
    assert FIELDS.params(cell_string((CONV_3X3,) * 6), DARCY) == 657 + cells + widening == 1_667_409


@pytest.mark.parametrize(
    ("space", "name", "n"), [(CELLS, "class_ninapro", 5_425), (FIELDS, "class_darcy", 6_815)], ids=["ninapro", "darcy"]
)
def test_canonical_classes_are_those_of_the_table(oracle, space, name, n):
    place = {arch: index for index, arch in enumerate(space.architectures)}
    forms = [place[form] for form in space.canonical_forms(space.architectures)]
    assert (np.array(forms) == oracle[name]).sum() == N_CELLS
    assert len(set(forms)) == n


def test_a_skip_from_the_input_is_an_operation_and_later_ones_copy():
    # conv(x) + x, once with the skip on 0 -> 3 and once through node 2.
    direct = cell_string((CONV_3X3, NONE, NONE, SKIP, SKIP, NONE))
    detour = cell_string((CONV_3X3, SKIP, NONE, NONE, SKIP, SKIP))
    assert CELLS.canonical(direct) == CELLS.canonical(detour)
    assert FIELDS.canonical(direct) == FIELDS.canonical(detour)  # one skip from the input each
    # A skip from the input, read twice, or two skips: one convolution or two in a widening cell.
    once, twice = cell_string((SKIP, NONE, SKIP, NONE, SKIP, SKIP)), cell_string((SKIP, SKIP, NONE, NONE, SKIP, SKIP))
    assert CELLS.canonical(once) == CELLS.canonical(twice)
    assert FIELDS.canonical(once) != FIELDS.canonical(twice)


def equal_cells(n: int) -> list[tuple[Architecture, Architecture]]:
    others = Random(3).sample(list(FIELDS.architectures), 400)
    return [(arch, FIELDS.canonical(arch)) for arch in others if FIELDS.canonical(arch) != arch][:n]


def test_canonical_equal_networks_give_equal_outputs():
    images = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0)).double()
    for arch, form in equal_cells(3):
        outputs = [
            FIELDS.network(one, DARCY, execute=execute, seed=7).double()(images)
            for one, execute in ((arch, "live"), (arch, "all"), (form, "live"))
        ]
        torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(outputs[0], outputs[2], rtol=1e-9, atol=1e-9)


def test_operations_on_the_input_of_a_widening_cell_change_the_width():
    network = FIELDS.network(cell_string((SKIP, AVG_POOL, NONE, CONV_1X1, SKIP, AVG_POOL)), DARCY)
    kinds = [[type(module).__name__ for module in cell.edges] for cell in (network.blocks[0], network.blocks[5])]
    assert kinds[0] == ["Identity", "AveragePool", "Zero", "ActConvNorm", "Identity", "AveragePool"]
    assert kinds[1] == ["Sequential", "Sequential", "Zero", "ActConvNorm", "Identity", "AveragePool"]
    skip, pool = network.blocks[5].edges[0], network.blocks[5].edges[1]
    assert [type(module).__name__ for module in skip] == ["Conv2d", "BatchNorm2d"]  # no ReLU
    assert [type(module).__name__ for module in pool] == ["ActConvNorm", "AveragePool"]
    assert [len(network.blocks), len(network.cells)] == [17, 18]
    assert network.blocks[11](torch.randn(1, 32, 5, 5)).shape == (1, 64, 5, 5)


def test_a_cell_without_a_live_path_gives_a_constant_at_every_position():
    network = FIELDS.network(cell_string((NONE,) * 6), DARCY)
    outputs = network(torch.randn(2, 3, 9, 9))
    torch.testing.assert_close(outputs, network.classifier.bias.expand_as(outputs))


def test_cells_that_neither_convolve_nor_pool_over_neighbours_see_what_the_stem_sees():
    images = torch.randn(1, 3, 11, 11, requires_grad=True)
    for cell, reach in (((CONV_1X1, SKIP, NONE, SKIP, CONV_1X1, SKIP), 1), ((CONV_3X3, *[NONE] * 3, SKIP, NONE), 5)):
        output = FIELDS.network(cell_string(cell), DARCY).eval()(images)[0, 0, 5, 5]
        (gradient,) = torch.autograd.grad(output, images)
        rows = gradient.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
        assert (rows.min(), rows.max()) == (5 - reach, 5 + reach)


@pytest.mark.parametrize(("space", "data_set"), [(CELLS, NINAPRO), (FIELDS, DARCY)], ids=["ninapro", "darcy"])
def test_counts_equal_traced_ones(space, data_set):
    for arch in Random(1).sample(list(space.architectures), 2):
        if not space.params(arch, data_set, live=True):
            continue
        network = space.network(arch, data_set)
        own = OwnNetwork(network, arch, "a test", (), lambda seed, network=network: network)
        found = trace(own, torch.randn(1, *data_set.shape))
        live = [layer for layer in found.layers if layer.live]
        # The tracer counts no outputs of a bias, and the shortcut of a reduction is a layer as any other.
        assert sum(layer.n_params * layer.repeats for layer in live) == space.params(arch, data_set, live=True)
        n_bias = data_set.n_classes * (85 * 85 if data_set is DARCY else 1)
        counted = sum(layer.flops * layer.repeats for layer in live)
        assert counted in (space.flops(arch, data_set, live=True), space.flops(arch, data_set, live=True) - n_bias)
        assert found.depth == space.depth(arch, data_set)


def test_the_loss_is_the_relative_error_of_each_field_by_hand():
    targets = torch.zeros(2, 2, 2)
    targets[0, 0, 0], targets[1] = 2.0, 1.0  # of norm 2 and 2
    outputs = torch.zeros(2, 1, 2, 2)
    outputs[1] = 4.0  # 3 off at four positions: norm 6
    assert DARCY.loss(outputs, targets).item() == pytest.approx((2 / 2 + 6 / 2) / 2)
    assert DARCY.loss(targets.unsqueeze(1), targets).item() == 0
    with pytest.raises(ValueError, match=r"it was given outputs \[2, 1, 2, 2\] and targets \[2, 1, 2, 2\]"):
        DARCY.loss(outputs, targets.unsqueeze(1))


@pytest.mark.parametrize("data_set", [NINAPRO, DARCY], ids=["ninapro", "darcy"])
def test_noise_is_all_that_there_is(data_set, tmp_path):
    (batch,) = draw_batches(data_set, BatchRequest(InputKind.noise, n_batches=1, batch_size=3))
    assert batch.images.shape == (3, *data_set.shape)
    assert (data_set.classes(batch.targets) is None) == (data_set is DARCY)
    assert data_set.present(tmp_path) == {}


@pytest.mark.parametrize(
    ("space", "data_set", "size"), [(CELLS, NINAPRO, (16, 52)), (FIELDS, DARCY, (13, 13))], ids=["ninapro", "darcy"]
)
def test_proxies_are_finite_and_those_that_need_classes_say_so(space, data_set, size):
    data_set = replace(data_set, shape=(data_set.shape[0], *size))
    batches = tuple(draw_batches(data_set, BatchRequest(InputKind.noise, n_batches=2, batch_size=4)))
    protocol = Protocol(name="small", n_batches=2, batch_size=4)
    context = ScoringContext(space, data_set, protocol, seed=0, batches=batches, device=torch.device("cpu"))
    names = ("zico", "synflow", "naswot", "swap", "snip", "grad_norm", "epe_nas", "params", "flops_live", "depth")
    arch = space.canonical(cell_string((CONV_3X3, SKIP, NONE, AVG_POOL, CONV_1X1, SKIP)))
    found = score(context, arch, "live", {name: PROXIES.get(name)() for name in names})
    for name in names:
        if name in NEED_CLASSES and data_set.name == "ninapro":
            assert found[name].reason != "the task has no classes"  # though a small batch may have one of each alone
        elif name in NEED_CLASSES:
            assert found[name].status != OK
            assert found[name].reason == "the task has no classes"
        else:
            assert found[name].status == OK, f"{name}: {found[name].reason}"
            assert all(np.isfinite(value) for value in found[name].components.values()), name
