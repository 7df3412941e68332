"""Training: build an architecture's network and train it. `from harness.train import train, Job, Recipe`."""

from harness.train.job import Job
from harness.train.loop import TrainingResult, train
from harness.train.recipe import Augmentation, Pipeline, Recipe, Teacher

__all__ = ["Augmentation", "Job", "Pipeline", "Recipe", "Teacher", "TrainingResult", "train"]
