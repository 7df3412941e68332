"""Training: an architecture's network trained by a recipe. `from harness.train import train, Job, Recipe`."""

from harness.train.job import Job
from harness.train.loop import TrainingResult, train
from harness.train.recipe import Augmentation, Pipeline, Recipe, Teacher

__all__ = ["Augmentation", "Job", "Pipeline", "Recipe", "Teacher", "TrainingResult", "train"]
