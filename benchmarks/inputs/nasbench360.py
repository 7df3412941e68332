"""Two tasks of NAS-Bench-360, hand gestures and porous flow. Tu et al., NeurIPS 2022, arXiv:2110.05668.

The loaders by which the networks of the table were trained are not published, so there are no real inputs: noise. Both
tasks are not of images: NinaPro DB5 holds electromyograms of 16 electrodes in windows of 52 samples; Darcy Flow maps
the coefficient of diffusion, with two channels of coordinates, to the pressure at each of 85 x 85 positions.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from harness.errors import MissingDataError
from harness.inputs import DATA_SETS, DataSet, Images, InputKind


@dataclass(frozen=True)
class UnpublishedInputs(DataSet):
    """A data set whose published truth belongs to inputs that cannot be had: noise is all that there is."""

    def present(self, home: Path) -> dict[InputKind, Path]:
        """Nothing."""
        return {}

    def read(self, kind: InputKind, home: Path) -> Images:
        """Nothing.

        Raises:
            MissingDataError: always.
        """
        raise MissingDataError(f"There are no {kind.value} inputs of {self.name}. {self.how_to_get}.")


@dataclass(frozen=True)
class FlowField(UnpublishedInputs):
    """Regression: inputs [batch, 3, height, width], channels first here; targets float32 [batch, height, width]."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Relative L2, mean over the batch: of outputs [batch, 1, height, width], |output - target| / |target|.

        In training the targets' normalisation is undone before; its statistics are not published.

        Raises:
            ValueError: if the shapes do not fit; nothing is broadcast.
        """
        if outputs.shape != (len(targets), 1, *targets.shape[1:]):
            raise ValueError(
                f"the loss takes outputs [batch, 1, height, width] for targets [batch, height, width]; it was given "
                f"outputs {list(outputs.shape)} and targets {list(targets.shape)}"
            )
        errors = (outputs.squeeze(1) - targets).flatten(1).norm(dim=1)
        return cast(Tensor, (errors / targets.flatten(1).norm(dim=1)).mean())

    def random_targets(self, n: int, source: torch.Generator) -> Tensor:
        """N(0,1) at every position."""
        return torch.randn(n, *self.shape[1:], generator=source)


def _how_to_get(recordings: str) -> str:
    return f"The inputs of the published table were prepared by a loader that is not public ({recordings}); use noise"


NINAPRO = UnpublishedInputs(
    name="ninapro",
    n_classes=18,
    shape=(1, 16, 52),
    mean=(0.0,),
    std=(1.0,),
    licence="CC BY-ND",
    how_to_get=_how_to_get("windows of NinaPro DB5"),
)

DARCY = FlowField(
    name="darcy",
    n_classes=1,
    shape=(3, 85, 85),
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    licence="MIT",
    how_to_get=_how_to_get("Darcy Flow at every fifth position"),
)

for _task in (NINAPRO, DARCY):
    DATA_SETS.register(_task.name)(_task)
