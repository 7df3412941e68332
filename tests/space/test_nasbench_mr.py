"""NAS-Bench-MR: counts equal to the published ones on every row, fusions by hand, heads of both kinds of task."""

import numpy as np
import pytest
import torch

from benchmarks.inputs.nasbench_mr import SETTINGS
from benchmarks.nasbench_mr.network import Fusion, ResidualBlock
from benchmarks.nasbench_mr.structure import OPTIONS, read, structure, write
from harness.errors import CorruptDataError, MissingDataError, UnknownNameError
from harness.inputs import DATA_SETS, InputKind
from harness.space import BENCHMARKS, Architecture

SPACE = BENCHMARKS.get("nasbench_mr")
LEAST = Architecture("8_8-1_1_1_8-1_2_1_1_8_8-1_3_1_1_1_8_8_8-1_4_1_1_1_1_8_8_8_8-8")
SCALE = (1 + 1e-5) ** -0.5  # a fresh normalisation in eval mode


@pytest.fixture(scope="module")
def oracle(truth_oracle):
    with np.load(truth_oracle / "nasbench_mr.npz", allow_pickle=False) as table:
        return {name: table[name] for name in table}


def test_the_list_and_its_embedding_are_the_published_ones(oracle):
    assert [arch.decode() for arch in oracle["arch"]] == list(SPACE.architectures)
    assert [list(read(arch)) for arch in SPACE.architectures] == oracle["embedding"].tolist()
    assert all(write(read(arch)) == arch for arch in SPACE.architectures)
    assert len(OPTIONS) == 27


@pytest.mark.long
def test_params_and_flops_equal_the_published_ones_on_all_rows(oracle):
    data_set = DATA_SETS.get("cls_50_1000")
    flops = np.array([SPACE.flops(arch, data_set) for arch in SPACE.architectures])
    costs = [SPACE.costs(arch, data_set) for arch in SPACE.architectures]
    assert (flops == oracle["macs_conv_linear_128px"]).sum() == 2_507
    for name, column in (("params", "params_50cls"), ("published_params", "params_50cls")):
        assert (np.array([cost[name] for cost in costs]) == oracle[column]).sum() == 2_507
    assert (np.array([cost["published_flops"] for cost in costs]) == oracle["flops_128px_thop"]).sum() == 2_507


def test_counts_of_some_rows_and_modules_of_all(oracle):
    data_set = DATA_SETS.get("cls_50_1000")
    for row in range(0, 2_507, 100):
        arch = SPACE.architectures[row]
        costs = SPACE.costs(arch, data_set)
        assert (costs["params"], costs["published_flops"]) == (
            oracle["params_50cls"][row],
            oracle["flops_128px_thop"][row],
        )
    plans = [structure(read(arch)) for arch in SPACE.architectures]
    np.testing.assert_array_equal([sum(stage.repeat for stage in plan.stages) for plan in plans], oracle["modules"])
    in_blocks = [sum(2 * stage.repeat * sum(stage.units) for stage in plan.stages) for plan in plans]
    np.testing.assert_array_equal(in_blocks, oracle["convs_in_blocks"])


def test_the_parameters_of_the_smallest_network_by_hand():
    # All widths are 8: a 3x3 convolution with normalisation has 592 parameters, a 1x1 convolution 80.
    stem = 27 * 8 + 16 + 592
    blocks = (1 + 2 + 3 + 4) * 2 * 592
    # Fusions 1 to 1; 1 to 2; 2 to 3; 3 to 4: own branch, from finer, new branch; and from coarser.
    fusions = (1 + (1 + 1) + (2 + 1 + 1) + (3 + 2 + 1)) * 592 + (1 + 2) * 80
    head = (32 * 8 + 16) + 8 * 50 + 50
    assert SPACE.params(LEAST, DATA_SETS.get("cls_50_100")) == stem + blocks + fusions + head


def test_a_fusion_by_hand():
    fusion = Fusion((2, 3), (2, 4, 5)).double().eval()
    rng = torch.Generator().manual_seed(0)
    fine, coarse = (torch.randn(1, *shape, generator=rng, dtype=torch.float64) for shape in ((2, 8, 8), (3, 4, 4)))

    def path(name, features, stride=1):
        kernel = fusion.paths[name][0].weight if name in fusion.paths else fusion.added[0].weight
        return (torch.conv2d(features, kernel, stride=stride, padding=kernel.shape[-1] // 2) * SCALE).clamp(min=0)

    enlarged = path("1_0", coarse).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    first = (path("0_0", fine) + enlarged).clamp(min=0)
    second = (path("0_1", fine, stride=2) + path("1_1", coarse)).clamp(min=0)
    found = fusion([fine, coarse])
    for mine, expected in zip(found, (first, second, path("added", second, stride=2)), strict=True):
        torch.testing.assert_close(mine, expected)
    assert fusion.paths["1_0"][0].kernel_size == (1, 1)


def test_branches_that_are_no_neighbours_are_not_fused():
    assert set(Fusion((8, 8, 8, 8), (8, 8, 8, 8)).paths) == {
        f"{source}_{target}" for source in range(4) for target in range(4) if abs(source - target) <= 1
    }


def test_a_residual_block_by_hand():
    block = ResidualBlock(3).double().eval()
    features = torch.randn(1, 3, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    inner = (torch.conv2d(features, block.first[0].weight, padding=1) * SCALE).clamp(min=0)
    expected = (features + torch.conv2d(inner, block.second[0].weight, padding=1) * SCALE).clamp(min=0)
    torch.testing.assert_close(block(features), expected)


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_has_its_head(name):
    data_set = DATA_SETS.get(name)
    output = SPACE.network(LEAST, data_set)(torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(0)))
    n_classes = {"cls_10_1000": 10, "seg": 19, "seg_4x": 19, "video": 51, "video_p": 51}.get(name, 50)
    assert output.shape == ((2, n_classes, 128, 128) if name.startswith("seg") else (2, n_classes))


def test_a_size_that_halves_unevenly_is_resized():
    network = SPACE.network(LEAST, DATA_SETS.get("seg"))
    assert network(torch.zeros(1, 3, 72, 88)).shape == (1, 19, 72, 88)


def test_pixels_without_a_class_count_for_nothing():
    data_set = DATA_SETS.get("seg")
    outputs = torch.randn(1, 19, 2, 2, generator=torch.Generator().manual_seed(0))
    some = data_set.loss(outputs, torch.tensor([[[3, 255], [255, 255]]]))
    torch.testing.assert_close(some, -outputs.log_softmax(dim=1)[0, 3, 0, 0])


def test_substitutes_are_read_and_real_images_are_said_to_be_unpublished(tmp_path):
    data_set, folder = DATA_SETS.get("seg"), tmp_path / "substitute"
    with pytest.raises(
        MissingDataError, match=r"no real images of seg\. The authors' selection \(Cityscapes\) is not "
    ):
        data_set.read(InputKind.real, tmp_path)
    folder.mkdir()
    images, labels = np.zeros((2, 128, 128, 3), dtype=np.uint8), np.full((2, 128, 128), 255, dtype=np.uint8)
    np.savez(folder / "seg.npz", images=images, labels=labels)
    assert data_set.read(InputKind.substitute, tmp_path).labels.shape == (2, 128, 128)
    np.savez(folder / "seg.npz", images=images, labels=labels - 200)
    with pytest.raises(CorruptDataError, match=r"seg\.npz contains labels other than 0 to 18 and 255"):
        data_set.read(InputKind.substitute, tmp_path)
    np.savez(folder / "seg.npz", images=images, labels=labels[:, 0])
    with pytest.raises(
        CorruptDataError, match=r"seg\.npz contains images uint8 \(2, 128, 128, 3\) and labels \(2, 128\)"
    ):
        data_set.read(InputKind.substitute, tmp_path)


def test_neighbours_change_one_of_the_27_numbers():
    # 13 widths of 16 values, and 14 numbers of modules or units of four
    assert len(set(SPACE.neighbours(LEAST))) == 13 * 15 + 14 * 3


@pytest.mark.parametrize(
    "arch",
    [
        LEAST.replace("8_8-1_1", "8_8-5_1", 1),
        LEAST.replace("8_8-1_1", "8-1_1", 1),
        LEAST.replace("-1_2_", "-1_3_"),
        LEAST[:-1] + "9",
        LEAST.replace("8_8-1_1", "08_8-1_1", 1),
        LEAST + "-8",
    ],
)
def test_an_unknown_architecture_is_named(arch):
    with pytest.raises(UnknownNameError, match=r"is not an architecture of nasbench_mr; an example is '128_128-2_1_4_"):
        SPACE.check(arch)
