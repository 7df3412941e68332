"""TransNAS-Bench-101: the official order, networks that compute what the official code computes, canonical forms."""

import json
import math
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.transnas.cells import CONV_1X1, CONV_3X3, EDGES
from benchmarks.transnas.micro import canonical_form, cell_string
from benchmarks.transnas.skeleton import BASE_CHANNELS, TASKS, Skeleton
from harness.errors import UnknownNameError
from harness.inputs import DATA_SETS, DataSet
from harness.space import BENCHMARKS, Architecture, SearchSpace
from harness.space.initialise import Initialisation, on_meta

MICRO, MACRO = BENCHMARKS.get("transnas_micro"), BENCHMARKS.get("transnas_macro")
NONE, SKIP = "none", "skip_connect"
OFFICIAL = json.loads((Path(__file__).parent.parent / "oracles" / "transnas.json").read_text())["networks"]
CONVOLUTIONS = nn.Conv2d | nn.ConvTranspose2d | nn.Linear


def space_of(arch: str) -> SearchSpace:
    return MACRO if arch.endswith("basic") else MICRO


def on_meta_network(arch: str, data_set: DataSet) -> nn.Module:
    with on_meta():
        return space_of(arch).assemble(Architecture(arch), data_set, "all")


@pytest.mark.parametrize("space", [MICRO, MACRO], ids=lambda space: space.name)
def test_the_order_is_that_of_the_tables(space, truth_oracle):
    table = np.load(truth_oracle / f"{space.name}.npz", allow_pickle=False)
    assert [arch.decode() for arch in table["arch"]] == list(space.architectures)
    assert len(set(space.architectures)) == len(space.architectures)


def test_the_order_is_that_of_the_official_index():
    # The official README: index 1 of all 7,352, of which the macro space is first, is 64-2311-basic.
    assert MACRO.architectures[:3] == ("64-4111-basic", "64-2311-basic", "64-2131-basic")
    assert (len(MACRO.architectures), len(MICRO.architectures)) == (3_256, 4_096)
    assert MICRO.architectures[1] == "64-41414-0_00_001"


@pytest.mark.parametrize("row", OFFICIAL, ids=lambda row: f"{row['arch']}-{row['task']}")
def test_params_are_those_of_the_official_network(row):
    data_set = DATA_SETS.get(row["task"])
    assert space_of(row["arch"]).params(row["arch"], data_set) == row["params"]
    network = on_meta_network(row["arch"], data_set)
    assert sum(parameter.numel() for parameter in network.parameters()) == row["params"]
    assert sum(parameter.numel() for parameter in network.backbone.parameters()) == row["encoder_params"]


def official_outputs() -> list[dict]:
    """Every architecture with one classifier, and three with each other kind of decoder."""
    shown = {"64-41414-1_02_333", "64-4111-basic", "64-131444-basic"}
    return [row for row in OFFICIAL if "output" in row and (row["task"] == "class_object" or row["arch"] in shown)]


@pytest.mark.long
@pytest.mark.parametrize("row", official_outputs(), ids=lambda row: f"{row['arch']}-{row['task']}")
def test_outputs_are_those_of_the_official_network(row):
    """Weights and inputs are formulas (see the header of the oracle), so that equal numbers mean an equal function."""
    data_set = DATA_SETS.get(row["task"])
    network = space_of(row["arch"]).network(Architecture(row["arch"]), data_set, execute="all").double()
    with torch.no_grad():
        for position, weight in enumerate(network.parameters()):
            wave = torch.sin(torch.arange(weight.numel(), dtype=torch.float64) * 0.7 + position).reshape(weight.shape)
            weight.copy_(wave / math.sqrt(weight[0].numel()) if weight.dim() > 1 else 1 + wave / 2)
        shape = (2, data_set.shape[0], 64, 64)
        images = torch.cos(torch.arange(math.prod(shape), dtype=torch.float64) * 0.37).reshape(shape)
        outputs = network(images)
    entries = [outputs.flatten()[index * (outputs.numel() - 1) // 7].item() for index in range(8)]
    assert list(outputs.shape) == row["output"]["shape"]
    assert entries == pytest.approx(row["output"]["entries"], rel=1e-6, abs=1e-9)
    assert outputs.abs().mean().item() == pytest.approx(row["output"]["mean_abs"], rel=1e-9)


def test_a_skeletons_blocks_by_hand():
    # 256 pixels; the stem leaves 64 channels at 64 x 64. 1 keeps, 2 widens to 128, 3 halves to 32, 4 does both.
    blocks = Skeleton("1234").blocks(256)
    assert [(block.n_in, block.n_out, block.stride, block.size) for block in blocks[::2]] == [
        (64, 64, 1, 64),
        (64, 128, 1, 64),
        (128, 128, 2, 32),
        (128, 256, 2, 16),
    ]
    assert not any(block.reshapes for block in blocks[1::2])


def test_there_are_1376_canonical_micro_cells_and_the_first_member_names_each():
    forms = [MICRO.canonical(arch) for arch in MICRO.architectures]
    assert len(set(forms)) == 1_376
    position = {arch: index for index, arch in enumerate(MICRO.architectures)}
    assert all(position[form] <= index for index, form in enumerate(forms))
    assert all(MICRO.canonical(form) == form for form in set(forms))
    assert all(MACRO.canonical(arch) == arch for arch in MACRO.architectures[:50])


def test_a_skip_from_the_input_is_an_operation_because_it_may_change_the_shape():
    direct = (NONE, NONE, NONE, CONV_3X3, NONE, NONE)
    behind = (SKIP, NONE, NONE, NONE, CONV_3X3, NONE)  # in reducing cells a factorized reduction comes first
    before = (CONV_3X3, NONE, NONE, NONE, SKIP, NONE)  # copies in every cell
    assert canonical_form(direct).key != canonical_form(behind).key
    assert canonical_form(direct).key == canonical_form(before).key
    assert set(canonical_form(behind).operations) == {0, 4}


def pairs_of_equal_cells(n: int) -> list[tuple[Architecture, Architecture]]:
    others = [arch for arch in Random(3).sample(MICRO.architectures, 400) if MICRO.canonical(arch) != arch]
    return [(arch, MICRO.canonical(arch)) for arch in others[:n]]


@pytest.mark.parametrize(("arch", "form"), pairs_of_equal_cells(5))
def test_canonical_equal_networks_share_live_weights_and_give_equal_outputs(arch, form):
    data_set = DATA_SETS.get("room_layout")
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        outputs = [
            MICRO.network(one, data_set, execute=execute, seed=7).double()(images)
            for one, execute in ((arch, "live"), (arch, "all"), (form, "live"))
        ]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(outputs[0], outputs[2], rtol=1e-8, atol=1e-9)


def test_weights_depend_on_seed_and_form_alone_and_differ_between_modules():
    data_set, arch = DATA_SETS.get("class_scene"), Architecture("64-41414-1_10_303")
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = MICRO.network(arch, data_set, seed=0).state_dict()
    again = MICRO.network(arch, data_set, seed=0).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    kernels = [value for value in first.values() if value.dim() == 4]
    assert len({kernel.flatten()[0].item() for kernel in kernels}) == len(kernels)


def test_backbones_start_as_the_official_code_draws_them_and_decoders_as_pytorch_does():
    network = MACRO.network(Architecture("64-4111-basic"), DATA_SETS.get("normal"))
    # Kaiming, fan_out: N(0, 2 / (128 filters x 9)), so the standard deviation is sqrt(2 / 1152) = 0.0417.
    kernel = network.backbone[3].first.conv.weight
    assert kernel.shape == (128, 64, 3, 3)
    assert kernel.std().item() == pytest.approx(math.sqrt(2 / 1152), rel=0.01)
    # U(-b, b), b = 1 / sqrt(128 x 9); of a transposed convolution PyTorch takes the outputs, b = 1 / sqrt(32 x 9).
    first, doubling = network.decoder[0][0].weight, network.decoder[8][0].weight
    assert (first.shape, doubling.shape) == ((1024, 128, 3, 3), (64, 32, 3, 3))
    assert first.abs().max().item() == pytest.approx(1 / math.sqrt(128 * 9), rel=1e-3)
    assert doubling.abs().max().item() == pytest.approx(1 / math.sqrt(32 * 9), rel=1e-3)


def test_an_asked_for_initialisation_goes_before_the_official_one():
    arch, data_set = Architecture("64-4111-basic"), DATA_SETS.get("class_scene")
    kernel = MACRO.network(arch, data_set, init=Initialisation.normal).backbone[3].first.conv.weight
    assert kernel.std().item() == pytest.approx(1, rel=0.01)


def test_the_shortcuts_normalisation_has_the_official_codes_accidental_constants():
    network = on_meta_network("64-4111-basic", DATA_SETS.get("class_scene"))
    norm = network.backbone[3].shortcut[1]
    assert (norm.eps, norm.momentum) == (1.0, 1.0)
    assert isinstance(network.backbone[4].shortcut, nn.Identity)


def test_a_cell_without_a_live_path_gives_a_constant():
    data_set = DATA_SETS.get("class_object")
    arch = cell_string((CONV_3X3, NONE, NONE, NONE, NONE, CONV_1X1))
    network = MICRO.network(arch, data_set)
    with torch.no_grad():
        outputs = network(torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(outputs, network.decoder.linear.bias.expand(3, -1))
    assert MICRO.params(arch, data_set, live=True) == 0


@pytest.mark.parametrize("task", TASKS)
def test_a_network_without_a_live_path_has_outputs_of_the_size_of_the_others(task):
    data_set = DATA_SETS.get(task)
    images = torch.zeros(2, data_set.shape[0], 64, 64)
    dead = (cell_string((NONE,) * 6), cell_string((CONV_3X3, NONE, NONE, NONE, NONE, CONV_1X1)))
    with torch.no_grad():
        sizes = [MICRO.network(arch, data_set)(images).shape for arch in (*dead, cell_string((SKIP,) * 6))]
    assert sizes[0] == sizes[1] == sizes[2]


def test_dead_operations_are_counted_apart():
    # 0 -> 1 leads nowhere. Five modules, C = 128, 128, 256, 256, 512 wide after strides; per module two cells.
    arch, data_set = cell_string((CONV_1X1, NONE, NONE, SKIP, NONE, NONE)), DATA_SETS.get("class_scene")
    dead = 0
    for block in Skeleton("41414").blocks(256):
        dead += block.n_in * block.n_out + 2 * block.n_out
    assert MICRO.params(arch, data_set) - MICRO.params(arch, data_set, live=True) == dead
    assert Skeleton("41414").width == BASE_CHANNELS << 3


def test_a_micro_neighbour_has_another_operation_on_one_edge():
    arch = Architecture("64-41414-1_02_333")
    assert len(set(MICRO.neighbours(arch))) == 18  # 6 edges, 3 other operations each
    assert "64-41414-1_02_330" in MICRO.neighbours(arch)


def test_macro_neighbours_are_symmetric():
    for arch in Random(4).sample(MACRO.architectures, 30):
        assert all(arch in MACRO.neighbours(neighbour) for neighbour in MACRO.neighbours(arch))


def test_macro_neighbours_by_hand():
    # Length 4 is the shortest, so nothing is taken out; a 4 cannot become 1 or 3 (no module left that widens) ...
    found = set(MACRO.neighbours(Architecture("64-4111-basic")))
    assert {"64-1111-basic", "64-3111-basic", "64-2111-basic", "64-411-basic"}.isdisjoint(found)
    # ... but another module can change, or one be put in.
    assert {"64-4211-basic", "64-4114-basic", "64-14111-basic", "64-41113-basic"} <= found


@pytest.mark.parametrize("arch", ["64-41414-4_00_000", "64-1111-basic", "32-41414-0_00_000"])
def test_an_unknown_architecture_is_named(arch):
    with pytest.raises(
        UnknownNameError, match=f"'{arch}' is not an architecture of {space_of(arch).name}; an example is"
    ):
        space_of(arch).network(Architecture(arch), DATA_SETS.get("jigsaw"))


def test_the_edges_are_those_of_the_string():
    # a_bc_def: a is 0 -> 1, b and c are 0 -> 2 and 1 -> 2, d, e and f are 0 -> 3, 1 -> 3 and 2 -> 3.
    assert cell_string((SKIP, NONE, CONV_1X1, CONV_3X3, CONV_3X3, CONV_3X3)) == "64-41414-1_02_333"
    assert EDGES == ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    assert MICRO.data_sets == MACRO.data_sets == TASKS
