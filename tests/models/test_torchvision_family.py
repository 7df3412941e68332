"""A family of torchvision, as it comes, where torchvision can be imported.

Its compiled operators do not load beside the CPU build of torch; the Python side needs their schemas alone.
"""

import pytest
import torch

from harness.evidence.base import ScoringContext
from harness.evidence.coverage import Coverage
from harness.inputs import DATA_SETS, Batch
from harness.protocol import Protocol
from harness.proxy import PROXIES
from harness.scoring.engine import score
from harness.space import Architecture, ModelSpace
from harness.store import OK

ARCHS = ("mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1", "resnet18", "vit_b_32")
# Published: https://pytorch.org/vision/stable/models.html, 1,000 classes, 224 pixels.
PARAMS = {
    "mobilenet_v3_small": 2_542_856, "shufflenet_v2_x0_5": 1_366_792, "squeezenet1_1": 1_235_496,
    "resnet18": 11_689_512, "vit_b_32": 88_224_232,
}  # fmt: skip
GIGAFLOPS = {
    "mobilenet_v3_small": 0.06, "shufflenet_v2_x0_5": 0.04, "squeezenet1_1": 0.35, "resnet18": 1.81, "vit_b_32": 4.41,
}  # fmt: skip


@pytest.fixture(scope="module")
def models():
    """torchvision.models, with the schemas of operators that its import looks up."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        try:
            library.define(schema)
        except RuntimeError:  # the compiled operators are there
            break
    return pytest.importorskip("torchvision.models", exc_type=Exception)


class Torchvision(ModelSpace):
    """Networks by the names that torchvision gives them."""

    name = "torchvision"
    architectures = ARCHS

    def __init__(self, models) -> None:
        self._models = models

    def build(self, arch):
        return self._models.get_model(arch, weights=None)


@pytest.fixture(scope="module")
def context(models):
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    batches = tuple(Batch(images + shift, torch.tensor([3, 700])) for shift in (0.0, 0.1))
    data_set = DATA_SETS.get("imagenet")
    return ScoringContext(Torchvision(models), data_set, Protocol(batch_size=2), 0, batches, torch.device("cpu"))


@pytest.mark.parametrize("arch", ARCHS)
def test_a_network_of_torchvision_is_scored_as_it_comes(context, arch):
    names = ("params", "flops", "zico", "grad_norm", "naswot", "l2_norm")
    found = score(context, Architecture(arch), "live", {name: PROXIES.get(name)() for name in names})
    assert {name: one.reason for name, one in found.items() if one.status != OK} == {}
    assert found["params"].components["params"] == PARAMS[arch]
    assert found["flops"].components["flops"] / 1e9 == pytest.approx(GIGAFLOPS[arch], abs=0.011)
    assert Coverage.parse(found["zico"].reason) == Coverage(weights=1.0)
    assert Coverage.parse(found["naswot"].reason) == Coverage(activations=1.0)
