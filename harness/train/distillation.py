"""Knowledge distillation: a trained teacher network whose probabilities the student learns. arXiv:1503.02531."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.train.checkpoint import read_tensors
from harness.train.export import WEIGHTS, read_record
from harness.train.job import Job
from harness.train.recipe import Teacher
from harness.train.timm_library import timm_model

_TIMM = "timm:"


@dataclass(frozen=True, eq=False)
class Distillation:
    """A teacher's network, in eval mode and without gradients."""

    network: nn.Module
    how: Teacher

    def loss(self, images: Tensor, outputs: Tensor) -> Tensor:
        """The weighted cross-entropy of the student's outputs with the teacher's probabilities on the same images."""
        if self.how.size is not None and self.how.size != images.shape[-1]:
            images = F.interpolate(images, self.how.size, mode="bilinear")
        with torch.no_grad():
            probabilities = self.network(images).softmax(dim=1)
        return self.how.weight * F.cross_entropy(outputs, probabilities)


def open_distillation(job: Job, device: torch.device) -> Distillation | None:
    """The teacher that the recipe names, if any.

    Raises:
        MissingDataError: if there is no such training run, or timm is not installed or cannot download the model.
        OptionError: if it was trained on another data set, or timm has no such model.
        CorruptDataError: if its weights are damaged.
    """
    how = job.recipe.teacher
    if how is None:
        return None
    if how.source.startswith(_TIMM):
        network = timm_model(how.source.removeprefix(_TIMM), job.data_set.n_classes)
    else:
        network = _trained(Path(how.source).expanduser(), job)
    return Distillation(network.eval().requires_grad_(False).to(device), how)


def _trained(folder: Path, job: Job) -> nn.Module:
    """The network of a finished training run on the same data set."""
    if not (folder / WEIGHTS).is_file():
        raise MissingDataError(
            f"recipe.teacher.source={folder} is invalid: it must be {_TIMM}MODEL or the folder of a finished training "
            f"run with {WEIGHTS}."
        )
    record = read_record(folder)
    if record.data_set.name != job.data_set.name:
        raise OptionError(
            f"The teacher in {folder} was trained on {record.data_set.name}, but the student is trained on "
            f"{job.data_set.name}."
        )
    network = record.space.network(record.arch, record.data_set)
    try:
        network.load_state_dict(read_tensors(folder / WEIGHTS))
    except (RuntimeError, TypeError) as error:
        raise CorruptDataError(f"{folder / WEIGHTS} does not fit the network that {folder} describes.") from error
    return network
