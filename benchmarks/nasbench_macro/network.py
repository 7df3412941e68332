"""The networks of NAS-Bench-Macro. arXiv:2103.11922; numbers are those of the authors' code, commit 61a2bfc."""

from typing import cast

from torch import Tensor, nn

from benchmarks.mobile_blocks import InvertedBottleneck, MobileBlock, normalised
from benchmarks.nasbench_macro.structure import HEAD_WIDTH, STAGE_BLOCKS, STEM_WIDTH, Plan, canonical_digits, plans
from harness.inputs import DataSet


class MacroNetwork(nn.Module):
    """Stem, eight blocks, last convolution, mean over the image, classifier.

    Parameters are drawn by canonical form and the number of a block among those of its stage that are no identities,
    so that architectures with the same network have the same weights.
    """

    def __init__(self, arch: str, data_set: DataSet) -> None:
        super().__init__()
        planned = plans(arch)
        self.stem = nn.Sequential(*normalised(data_set.shape[0], STEM_WIDTH, 3), nn.ReLU())
        self.blocks = nn.Sequential(*map(_module, planned))
        width = next(plan.n_out for plan in reversed(planned) if plan)
        self.head = nn.Sequential(*normalised(width, HEAD_WIDTH, 1), nn.ReLU())
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Linear(HEAD_WIDTH, data_set.n_classes)
        places = _places(planned)
        self.cells = ("stem", *(f"blocks.{at}" for at in places))
        origin = canonical_digits(arch)
        self.init_keys = {name: f"{origin}/{_renamed(name, places)}" for name, _ in self.named_modules()}

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.classifier(self.pool(self.head(self.blocks(self.stem(images))))))


def _module(plan: Plan) -> nn.Module:
    if plan is None:
        return nn.Identity()
    if isinstance(plan, MobileBlock):
        return InvertedBottleneck(plan)
    return nn.Sequential(*normalised(plan.n_in, plan.n_out, 1, plan.stride))


def _places(planned: list[Plan]) -> dict[int, str]:
    """Of each block that is no identity: its stage, and its number there."""
    found: dict[int, str] = {}
    at = 0
    for stage, n_blocks in enumerate(STAGE_BLOCKS):
        there = [place for place in range(at, at + n_blocks) if planned[place]]
        found |= {place: f"{stage}-{number}" for number, place in enumerate(there)}
        at += n_blocks
    return found


def _renamed(name: str, places: dict[int, str]) -> str:
    """A module's name with the place of its block in the canonical network."""
    part, _, rest = name.partition(".")
    if part != "blocks" or not rest:
        return name
    at, _, inner = rest.partition(".")
    return f"blocks.{places.get(int(at), 'skip')}.{inner}"
