"""Batches of one image, of equal images and of one class: a proxy is undefined there, or its formula has the value."""

import pytest
import torch
from torch import nn
from toy_networks import ToyDataSet, ToySpace

from harness.check import harness as stand
from harness.check.harness import ORDINARY, CheckHarness, duplicated_context, one_class_context, small_context
from harness.evidence.base import ScoringContext
from harness.inputs import DATA_SETS, Batch
from harness.protocol import Protocol
from harness.proxy import PROXIES
from harness.scoring.engine import score
from harness.store import OK, UNDEFINED

COMPARES_IMAGES = (
    "epe_nas", "jacob_cov", "naswot", "naswot_nb201", "naswot_original", "ntk_cond", "rbflex",
    "rbflex_area", "rcor", "swap", "swap_universal", "tcet", "tcet_snip", "wrcor",
)  # fmt: skip


def examined(name: str) -> CheckHarness:
    few = {"n_repeats": 1} if hasattr(PROXIES.get(name), "n_repeats") else {}
    return CheckHarness(name, PROXIES.get(name)(**few))


@pytest.mark.parametrize("name", COMPARES_IMAGES)
def test_what_compares_images_has_no_value_of_one(name):
    score = examined(name).score(ORDINARY[0], small_context(Protocol(n_batches=1, batch_size=1)))
    assert score.status == UNDEFINED
    assert "image" in score.reason


@pytest.mark.parametrize("name", ["jacob_cov", "epe_nas"])
def test_equal_images_correlate_wholly(name):
    """The correlations are 1: eigenvalues 8 and seven 0, or log(1 + 1e-5) per pair of a class."""
    score = examined(name).score(ORDINARY[0], duplicated_context())
    assert score.status == OK


def test_one_class_is_one_group_of_all_pairs():
    score = examined("epe_nas").score(ORDINARY[0], one_class_context())
    assert score.status == OK
    assert score.components["epe_nas"] > 0


def test_the_contexts_are_what_they_say():
    assert all(torch.equal(batch.images[0], image) for batch in duplicated_context().batches for image in batch.images)
    assert all(len(batch.targets.unique(dim=0)) == 1 for batch in one_class_context().batches)
    assert DATA_SETS.get(stand.DATA_SET).name == one_class_context().data_set.name


UNDEFINED_SUM = "the summed outputs do not depend on the images"


def two_layers(ending: str) -> nn.Module:
    """Two convolutions, each normalised, the mean over pixels, and a classifier; `ending` names a further layer."""
    torch.manual_seed(0)
    first = (nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
    relu = [nn.ReLU()] * (ending != "normalisation")
    last = [nn.Softmax(dim=1)] * (ending == "softmax")
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10, bias=False))
    return nn.Sequential(*first, *relu, *pooled, *last).train()


@pytest.mark.parametrize(("n", "side"), [(16, 8), (16, 256), (64, 128)])
@pytest.mark.parametrize(
    ("ending", "reason"), [("relu", ""), ("normalisation", UNDEFINED_SUM), ("softmax", UNDEFINED_SUM)]
)
def test_gradients_that_are_rounding_alone_are_undefined_whatever_the_size_of_images(n, side, ending, reason):
    """Normalised values sum to a constant, as probabilities do; the rounding of the sum grows with the images."""
    images = torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(0))
    data_set = ToyDataSet("toy", 2, (3, side, side), (0.0,), (1.0,), licence="", how_to_get="")
    space = ToySpace(lambda: two_layers(ending))
    context = ScoringContext(space, data_set, Protocol(), 0, (Batch(images, torch.arange(n) % 2),), torch.device("cpu"))
    with torch.no_grad():  # as a caller may have it
        found = score(context, space.only, "live", {name: PROXIES.get(name)() for name in ("jacob_cov", "epe_nas")})
    assert {row.reason for row in found.values()} == {reason}
