"""Evidence that is made when it is requested: what a plug-in does to it, no other proxy sees."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from test_every_proxy import CASES, USUAL
from torch import Tensor

from harness.evidence import SingleImages, Subject
from harness.proxy import Proxy, Sees
from harness.scoring.engine import score
from harness.scoring.guard import damaged, sums_of_evidence
from harness.store import FAILED, OK
from proxies.rbflex_area import RBFleXArea


@dataclass(frozen=True)
class Reads(Proxy):
    version: ClassVar[int] = 1
    paper: ClassVar[str] = "none"
    sees: ClassVar[Sees] = Sees.ALL

    def measure(self, images: SingleImages) -> float:
        return float(images.features(3).last.sum())


@dataclass(frozen=True)
class Spoils(Reads):
    def measure(self, images: SingleImages) -> float:
        return float(images.features(3).last.zero_().sum())


def test_what_a_plug_in_was_the_first_to_request_is_forgotten() -> None:
    context = CASES["float64"].context()
    alone = score(context, USUAL, "all", {"reads": Reads()})["reads"]
    found = score(context, USUAL, "all", {"spoils": Spoils(), "reads": Reads()})
    assert alone.components["reads"] > 0
    assert found["reads"].components == alone.components
    assert found["spoils"].status == OK


def test_what_others_have_requested_is_put_aside_when_a_plug_in_changes_it() -> None:
    context = CASES["float64"].context()
    alone = score(context, USUAL, "all", {"area": RBFleXArea(), "reads": Reads()})
    found = score(context, USUAL, "all", {"area": RBFleXArea(), "spoils": Spoils(), "reads": Reads()})
    assert found["spoils"].status == FAILED
    assert found["spoils"].reason == "it changed SingleImages.made.(3, False).last"
    for name, expected in alone.items():
        assert found[name].components == expected.components
        assert math.isfinite(found[name].components[name])


@dataclass
class Endless:
    """It holds itself."""

    values: Tensor
    again: list["Endless"] = field(default_factory=list)


def test_evidence_that_holds_itself_is_compared_all_the_same() -> None:
    (images,) = SingleImages.collect_all(Subject(CASES["float64"].context(), USUAL, "all"), [SingleImages])
    endless = Endless(torch.ones(2))
    endless.again.append(endless)
    images.made["endless"] = endless
    before = sums_of_evidence([images])
    endless.values.zero_()
    assert "SingleImages.made.endless.values" in damaged(before, [images])
